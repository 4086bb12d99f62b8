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
        auto chunk = std::make_shared<Chunk>();
        chunk->first_entry = next_entry_;
        chunk->bytes.reserve(std::max(options_.chunk_bytes, lines.size()));
        chunks_.push_back(std::move(chunk));
    }
    auto& chunk = *chunks_.back();
    chunk.bytes.append(lines);
    const auto count = static_cast<std::uint32_t>(std::count(lines.begin(), lines.end(), '\n'));
    chunk.entries.push_back(
        {static_cast<std::uint32_t>(chunk.bytes.size()), feed, origin, count, lines.starts_with("RDATA ")});
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
        const auto& chunk = *chunks[chunk_at];
        auto entry_at = static_cast<std::size_t>(next_entry_ - chunk.first_entry);
        bool taken = false;
        bool extends = false;  // the last piece ends where this entry begins
        for (; entry_at < chunk.entries.size() && out.bytes < bytes_max; ++entry_at, ++next_entry_) {
            const auto& entry = chunk.entries[entry_at];
            const auto begin = entry_at == 0 ? 0 : chunk.entries[entry_at - 1].end;
            if ((entry.origin != 0 && entry.origin == link_) || !wants_feed(entry.feed)) {
                extends = false;
                continue;
            }
            const std::string_view lines{chunk.bytes.data() + begin, entry.end - begin};
            if (extends) {
                out.pieces.back() = {out.pieces.back().data(), out.pieces.back().size() + lines.size()};
            } else {
                out.pieces.push_back(lines);
            }
            extends = taken = true;
            (entry.is_rdata ? out.rdata_lines : out.other_lines) += entry.lines;
            out.bytes += lines.size();
        }
        if (taken) out.owners.push_back(chunks[chunk_at]);
    }
}

}  // namespace weft::replication
