#include "streams.hpp"

namespace weft::workers {
namespace {

/// Every process writes the caches stream, so this one does whatever configuration says.
std::vector<std::string> writers_of(const core::Config& config, const std::string& stream) {
    if (stream == "caches") return {config.instance_name.get()};
    return config.writers_of(stream);
}

}  // namespace

#define WEFT_STREAM(name) name{#name, config.instance_name.get(), writers_of(config, #name)}

Streams::Streams(const core::Config& config)
    : WEFT_STREAM(events),
      WEFT_STREAM(backfill),
      WEFT_STREAM(presence),
      WEFT_STREAM(typing),
      WEFT_STREAM(receipts),
      WEFT_STREAM(push_rules),
      WEFT_STREAM(pushers),
      WEFT_STREAM(caches),
      WEFT_STREAM(public_rooms),
      WEFT_STREAM(device_lists),
      WEFT_STREAM(to_device),
      WEFT_STREAM(federation),
      WEFT_STREAM(tag_account_data),
      WEFT_STREAM(account_data),
      WEFT_STREAM(groups),
      WEFT_STREAM(user_signature) {
    user_signature.share_ids_with(device_lists);
    tag_account_data.share_ids_with(account_data);
}

#undef WEFT_STREAM

std::vector<storage::StreamState*> Streams::all() {
    return {&events,       &backfill,     &presence,  &typing,     &receipts,         &push_rules,   &pushers, &caches,
            &public_rooms, &device_lists, &to_device, &federation, &tag_account_data, &account_data, &groups,  &user_signature};
}

void Streams::seed(const storage::StreamPositions& positions, std::int64_t memory_begins) {
    // Configuration says who may write, the table who does: one that is being added or removed may be in one of them only.
    std::map<std::string, std::int64_t> event_positions;
    for (const auto& writer : events.writers()) event_positions.emplace(writer, positions.of("events"));
    for (const auto& writer : positions.event_writers) event_positions.emplace(writer, positions.of("events"));
    events.seed(event_positions);
    backfill.seed(positions.of("backfill"), -1);
    presence.seed(positions.of("presence"));
    typing.seed(typing.is_writer() ? memory_begins : 0);
    receipts.seed(positions.of("receipts"));
    push_rules.seed(positions.of("push_rules"));
    pushers.seed(positions.of("pushers"));
    caches.seed(positions.caches);
    public_rooms.seed(positions.of("public_rooms"));
    device_lists.seed(positions.of("device_lists"));
    to_device.seed(positions.of("to_device"));
    federation.seed(federation.is_writer() ? memory_begins : 0);
    tag_account_data.seed(positions.of("tag_account_data"));
    account_data.seed(positions.of("account_data"));
    groups.seed(positions.of("groups"));
    user_signature.seed(positions.of("user_signature"));
}

}  // namespace weft::workers
