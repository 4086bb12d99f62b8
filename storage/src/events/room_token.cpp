#include <charconv>

#include "weft/storage/events_store.hpp"

namespace weft::storage {
namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

}  // namespace

core::Result<RoomToken> RoomToken::parse(std::string_view text) {
    const auto bad = [] { return core::ParseError{"not a pagination token"}; };
    if (text.size() < 2) return bad();
    // A sync token is a vector of streams; its first part is the position in the rooms.
    if (text.front() == 's') {
        const auto stream = parse_number(text.substr(1, text.find('_') == text.npos ? text.npos : text.find('_') - 1));
        if (!stream) return bad();
        return RoomToken{std::nullopt, *stream};
    }
    if (text.front() == 'm') {
        auto positions = WriterPositions::parse(text.substr(0, text.find('_')));
        if (!positions) return bad();
        return RoomToken{std::nullopt, std::move(*positions)};
    }
    if (text.front() != 't') return bad();
    const auto dash = text.find('-', 2);
    if (dash == text.npos) return bad();
    const auto topological = parse_number(text.substr(1, dash - 1));
    const auto stream = parse_number(text.substr(dash + 1, text.find('_', dash) == text.npos ? text.npos : text.find('_', dash) - dash - 1));
    if (!topological || !stream) return bad();
    return RoomToken{*topological, *stream};
}

std::string RoomToken::to_string() const {
    if (topological) return fmt::format("t{}-{}", *topological, stream.min());
    return (stream.is_plain() ? "s" : "") + stream.to_string();
}

}  // namespace weft::storage
