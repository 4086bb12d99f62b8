#include "weft/handlers/sync/sync_token.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace weft::handlers {

core::Result<SyncToken> SyncToken::parse(std::string_view text) {
    SyncToken out;
    const std::array fields{&out.room,       &out.presence,  &out.typing,       &out.receipts, &out.account_data,
                            &out.push_rules, &out.to_device, &out.device_lists, &out.groups};
    if (text.empty() || text.front() != 's') return core::ParseError{"not a sync token"};
    text.remove_prefix(1);
    std::size_t count = 0;
    while (true) {
        const auto end = std::min(text.find('_'), text.size());
        // Newer servers append streams of theirs: what is beyond ours is not for us.
        if (count < fields.size()) {
            const auto [stop, error] = std::from_chars(text.data(), text.data() + end, *fields[count]);
            if (error != std::errc{} || stop != text.data() + end || *fields[count] < 0) return core::ParseError{"not a sync token"};
        }
        ++count;
        if (end == text.size()) break;
        text.remove_prefix(end + 1);
    }
    return out;
}

std::string SyncToken::to_string() const {
    return fmt::format("s{}_{}_{}_{}_{}_{}_{}_{}_{}", room, presence, typing, receipts, account_data, push_rules, to_device, device_lists,
                       groups);
}

}  // namespace weft::handlers
