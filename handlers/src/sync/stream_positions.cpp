#include "sync/stream_positions.hpp"

namespace weft::handlers {

SyncToken next_token(const SyncSources& sources, const std::optional<SyncToken>& since) {
    SyncToken token;
    token.room = sources.events_stream.writer_positions();
    token.receipts = sources.receipts.stream().current();
    token.account_data = sources.account_data.current();
    token.push_rules = sources.push_rules_stream.current();
    token.to_device = sources.to_device.stream().current();
    token.device_lists = sources.devices.stream().shared_current();
    if (since) {
        token.room = token.room.merged(since->room);
        token.account_data = std::max(token.account_data, since->account_data);
        token.push_rules = std::max(token.push_rules, since->push_rules);
        token.to_device = std::max(token.to_device, since->to_device);
        token.device_lists = std::max(token.device_lists, since->device_lists);
    }
    token.presence = sources.presence_stream.current();
    token.typing = sources.typing_stream.current();
    return token;
}

void forget_restarted_streams(const SyncSources& sources, SyncToken& since) {
    // What was typed before this life of the writer is over: only what it has told since can be news.
    const auto begin = sources.typing_stream.changes().floor();
    if (since.typing > sources.typing_stream.current() || since.typing < begin) since.typing = begin;
    if (since.presence > sources.presence_stream.current()) since.presence = 0;
    if (since.receipts > sources.receipts.stream().current()) since.receipts = 0;
}

}  // namespace weft::handlers
