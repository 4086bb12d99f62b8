#include "weft/replication/relay_log.hpp"

#include <algorithm>

namespace weft::replication {

RelayLog::FeedId RelayLog::feed(const StreamKey& key) {
    const auto [at, is_new] = ids_.try_emplace(key, static_cast<FeedId>(feeds_.size()));
    if (is_new) feeds_.push_back({key, 0, 0, 0});
    return at->second;
}

std::optional<RelayLog::FeedId> RelayLog::find(const StreamKey& key) const {
    const auto at = ids_.find(key);
    if (at == ids_.end()) return std::nullopt;
    return at->second;
}

void RelayLog::append(FeedId feed, std::int64_t token, LinkId origin, std::string_view lines) {
    auto& info = feeds_[feed];
    info.token = token;
    info.origin = origin;
    info.last_entry = next_entry_;
    append_entry(feed, origin, lines);
}

void RelayLog::append_other(LinkId origin, std::string_view lines) {
    append_entry(kNoFeed, origin, lines);
}

std::uint64_t RelayLog::begin() const {
    return chunks_.empty() ? next_entry_ : chunks_.front()->first_entry;
}

void RelayLog::append_entry(FeedId feed, LinkId origin, std::string_view lines) {
    if (chunks_.empty() || chunks_.back()->bytes.size() + lines.size() > chunks_.back()->bytes.capacity()) {
        trim();
        const bool as_file = cursors_.size() >= options_.cursors_for_files;
        const auto capacity = as_file ? options_.file_chunk_bytes : options_.chunk_bytes;
        auto chunk = std::make_shared<Chunk>(std::max(capacity, lines.size()), as_file);
        chunk->first_entry = next_entry_;
        chunk->entries.reserve(chunk->bytes.capacity() / 128);
        chunks_.push_back(std::move(chunk));
    }
    auto& chunk = *chunks_.back();
    chunk.bytes.append(lines);
    // Nearly always it is one line.
    const bool is_one = lines.find('\n') + 1 == lines.size();
    const auto count = is_one ? 1 : static_cast<std::uint32_t>(std::count(lines.begin(), lines.end(), '\n'));
    auto entry = chunk.entries.empty() ? Entry{} : chunk.entries.back();
    entry.end = static_cast<std::uint32_t>(chunk.bytes.size());
    entry.feed = feed;
    entry.origin = origin;
    (lines.starts_with("RDATA ") ? entry.rdata_lines : entry.other_lines) += count;
    chunk.entries.push_back(entry);
    if (origin != 0 && std::find(chunk.origins.begin(), chunk.origins.end(), origin) == chunk.origins.end()) {
        chunk.origins.push_back(origin);
    }
    bytes_ += lines.size();
    ++next_entry_;
}

void RelayLog::trim() {
    auto needed = next_entry_;
    for (const auto* cursor : cursors_) needed = std::min(needed, cursor->next_entry_);
    while (!chunks_.empty()) {
        const auto& front = *chunks_.front();
        const bool is_read = front.first_entry + front.entries.size() <= needed;
        if (!is_read && bytes_ <= options_.bytes_max) break;
        bytes_ -= front.bytes.size();
        chunks_.pop_front();
    }
}

RelayCursor::RelayCursor(RelayLog& log, LinkId link) : log_{&log}, link_{link}, next_entry_{log.end()} {
    log.cursors_.push_back(this);
}

RelayCursor::~RelayCursor() {
    std::erase(log_->cursors_, this);
}

void RelayCursor::subscribe(std::set<std::string> streams) {
    streams_ = std::move(streams);
    wanted_.clear();
}

bool RelayCursor::wants_feed(RelayLog::FeedId feed) {
    if (feed == RelayLog::kNoFeed || streams_.empty()) return true;
    while (wanted_.size() <= feed) {
        wanted_.push_back(streams_.contains(log_->feeds_[wanted_.size()].key.stream) ? 1 : 0);
    }
    return wanted_[feed] != 0;
}

std::vector<RelayLog::FeedId> RelayCursor::skip_to_end() {
    std::vector<RelayLog::FeedId> dirty;
    for (RelayLog::FeedId feed = 0; feed < log_->feeds_.size(); ++feed) {
        const auto& info = log_->feeds_[feed];
        if (info.last_entry >= next_entry_ && info.origin != link_ && wants_feed(feed)) dirty.push_back(feed);
    }
    next_entry_ = log_->end();
    return dirty;
}

void RelayCursor::gather(std::size_t bytes_max, Gathered& out) {
    if (at_end()) return;
    const auto& chunks = log_->chunks_;
    // The chunk that holds our entry; mostly the last one.
    auto chunk_at = chunks.size();
    while (chunk_at > 0 && chunks[chunk_at - 1]->first_entry > next_entry_) --chunk_at;
    if (chunk_at == 0) return;  // fallen off
    for (--chunk_at; chunk_at < chunks.size() && out.bytes < bytes_max; ++chunk_at) {
        const auto before = out.pieces.size();
        gather_entries(*chunks[chunk_at], bytes_max, out);
        if (out.pieces.size() != before) out.owners.push_back(chunks[chunk_at]);
    }
}

bool RelayCursor::wants_all_of(const RelayLog::Chunk& chunk) const {
    return streams_.empty() &&
           std::find(chunk.origins.begin(), chunk.origins.end(), link_) == chunk.origins.end();
}

void RelayCursor::gather_entries(const RelayLog::Chunk& chunk, std::size_t bytes_max, Gathered& out) {
    const auto& entries = chunk.entries;
    auto at = static_cast<std::size_t>(next_entry_ - chunk.first_entry);
    const auto take = [&](std::size_t first, std::size_t last) {  // entries [first, last)
        const auto before = first == 0 ? RelayLog::Entry{} : entries[first - 1];
        const auto& end = entries[last - 1];
        out.pieces.emplace_back(chunk.bytes.data() + before.end, end.end - before.end);
        out.sources.push_back(&chunk.bytes);
        out.bytes += end.end - before.end;
        out.rdata_lines += end.rdata_lines - before.rdata_lines;
        out.other_lines += end.other_lines - before.other_lines;
    };
    const auto begin = at == 0 ? 0 : entries[at - 1].end;
    if (at < entries.size() && wants_all_of(chunk) && out.bytes + entries.back().end - begin <= bytes_max) {
        take(at, entries.size());
        next_entry_ += entries.size() - at;
        return;
    }
    while (at < entries.size() && out.bytes < bytes_max) {
        const auto first = at;
        auto room = bytes_max - out.bytes;
        while (at < entries.size() && room > 0) {  // as far as it is in one piece
            const auto& entry = entries[at];
            if ((entry.origin != 0 && entry.origin == link_) || !wants_feed(entry.feed)) break;
            const std::size_t size = entry.end - (at == 0 ? 0 : entries[at - 1].end);
            room -= std::min(room, size);
            ++at;
        }
        if (at > first) {
            take(first, at);
        } else {
            ++at;  // not for us
        }
    }
    next_entry_ = chunk.first_entry + at;
}

}  // namespace weft::replication
