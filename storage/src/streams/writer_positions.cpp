#include "weft/storage/writer_positions.hpp"

#include <algorithm>
#include <charconv>

#include <zlib.h>

namespace weft::storage {
namespace {

/// Tags are stored as signed integers of the database.
constexpr std::uint32_t kTagMask = 0x7fffffff;
constexpr int kTagBase = 36;
/// Writers a client's token may name.
constexpr std::size_t kWritersMax = 64;

template <class Int>
bool read(std::string_view text, Int& out, int base) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::uint32_t writer_tag(std::string_view instance_name) {
    const auto* bytes = reinterpret_cast<const Bytef*>(instance_name.data());
    return static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(instance_name.size()))) & kTagMask;
}

WriterTag writer_of(const proto::Event& event) {
    const auto& name = event.metadata().instance_name;
    return name ? std::optional{writer_tag(*name)} : std::nullopt;
}

WriterPositions::WriterPositions(const std::map<std::string, std::int64_t>& positions) : min_{0} {
    bool first = true;
    for (const auto& [writer, token] : positions) {
        min_ = first ? token : std::min(min_, token);
        first = false;
        ahead_.emplace(writer_tag(writer), token);
    }
    tidy();
}

void WriterPositions::tidy() {
    std::erase_if(ahead_, [this](const auto& entry) { return entry.second <= min_; });
}

core::Result<WriterPositions> WriterPositions::parse(std::string_view text) {
    const core::ParseError bad{"not a position in a stream"};
    WriterPositions out;
    if (!text.starts_with('m')) {
        if (!read(text, out.min_, 10) || out.min_ < 0) return bad;
        return out;
    }
    text.remove_prefix(1);
    auto end = std::min(text.find('~'), text.size());
    if (!read(text.substr(0, end), out.min_, 10) || out.min_ < 0) return bad;
    while (end < text.size()) {
        text.remove_prefix(end + 1);
        end = std::min(text.find('~'), text.size());
        const auto part = text.substr(0, end);
        const auto dot = part.find('.');
        std::uint32_t tag = 0;
        std::int64_t token = 0;
        if (dot == part.npos || !read(part.substr(0, dot), tag, kTagBase) || tag > kTagMask ||
            !read(part.substr(dot + 1), token, 10))
            return bad;
        out.ahead_[tag] = token;
        if (out.ahead_.size() > kWritersMax) return bad;
    }
    out.tidy();
    return out;
}

std::string WriterPositions::to_string() const {
    if (is_plain()) return std::to_string(min_);
    std::string out = "m" + std::to_string(min_);
    for (const auto& [tag, token] : ahead_) {
        char digits[8];
        const auto end = std::to_chars(digits, digits + sizeof digits, tag, kTagBase).ptr;
        out.append("~").append(digits, end).append(".").append(std::to_string(token));
    }
    return out;
}

std::int64_t WriterPositions::max() const {
    auto newest = min_;
    for (const auto& [tag, token] : ahead_) newest = std::max(newest, token);
    return newest;
}

std::int64_t WriterPositions::sum() const {
    // What writers have beyond the lower bound shrinks as that rises, but by no more than it rises for all of
    // them together.
    auto total = min_ * static_cast<std::int64_t>(kWritersMax);
    for (const auto& [tag, token] : ahead_) total += token - min_;
    return total;
}

std::int64_t WriterPositions::of(WriterTag writer) const {
    if (!writer) return min_;
    const auto found = ahead_.find(*writer);
    return found == ahead_.end() ? min_ : found->second;
}

WriterPositions WriterPositions::merged(const WriterPositions& other) const {
    WriterPositions out{std::max(min_, other.min_)};
    for (const auto* side : {this, &other}) {
        for (const auto& [tag, token] : side->ahead_) out.ahead_[tag] = std::max(of(tag), other.of(tag));
    }
    out.tidy();
    return out;
}

WriterPositions WriterPositions::capped(std::int64_t token) const {
    auto out = *this;
    out.min_ = std::min(min_, token);
    for (auto& [tag, ahead] : out.ahead_) ahead = std::min(ahead, token);
    out.tidy();
    return out;
}

std::vector<std::int64_t> WriterPositions::tags() const {
    std::vector<std::int64_t> out;
    for (const auto& [tag, token] : ahead_) out.push_back(tag);
    return out;
}

std::vector<std::int64_t> WriterPositions::tokens() const {
    std::vector<std::int64_t> out;
    for (const auto& [tag, token] : ahead_) out.push_back(token);
    return out;
}

}  // namespace weft::storage
