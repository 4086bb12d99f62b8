#include "weft/handlers/sync/sync_token.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace weft::handlers {

core::Result<SyncToken> SyncToken::parse(std::string_view whole) {
    SyncToken out;
    auto text = whole;
    const core::ParseError bad{"not a sync token"};
    if (text.empty() || (text.front() != 's' && text.front() != 'm')) return bad;
    if (text.front() == 's') text.remove_prefix(1);
    if (text.starts_with('m') && text.data() != whole.data()) return bad;
    auto room = storage::WriterPositions::parse(text.substr(0, text.find('_')));
    if (!room) return bad;
    out.room = std::move(*room);
    const std::array fields{&out.presence,   &out.typing,    &out.receipts,     &out.account_data,
                            &out.push_rules, &out.to_device, &out.device_lists, &out.groups};
    for (std::size_t count = 0; text.find('_') != text.npos; ++count) {
        text.remove_prefix(text.find('_') + 1);
        // Newer servers append streams of theirs: what is beyond ours is not for us.
        if (count >= fields.size()) break;
        const auto end = std::min(text.find('_'), text.size());
        const auto [stop, error] = std::from_chars(text.data(), text.data() + end, *fields[count]);
        if (error != std::errc{} || stop != text.data() + end || *fields[count] < 0) return bad;
    }
    return out;
}

std::string SyncToken::to_string() const {
    return fmt::format("{}{}_{}_{}_{}_{}_{}_{}_{}_{}", room.is_plain() ? "s" : "", room.to_string(), presence, typing, receipts, account_data,
                       push_rules, to_device, device_lists, groups);
}

}  // namespace weft::handlers
