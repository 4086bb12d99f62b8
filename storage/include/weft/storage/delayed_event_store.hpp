#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// An event that is to be sent when its time comes.
struct DelayedEvent {
    std::string delay_id;
    std::string user_id;
    std::string device_id;
    std::string room_id;
    std::string type;
    std::optional<std::string> state_key;
    std::string content;  // JSON text of an object
    std::optional<std::string> txn_id;
    std::int64_t delay_ms = 0;
    std::int64_t running_since_ms = 0;
};

/// Events that wait to be sent (MSC4140). Logic thread only.
class DelayedEventStore {
public:
    explicit DelayedEventStore(StoreContext context) : context_{std::move(context)} {}

    /// The ID under which it waits: an older one if the device's transaction ID was used for it already.
    /// Nothing if the user has as many as `waiting_max` already.
    Task<std::optional<std::string>> add(DelayedEvent event, std::int64_t waiting_max);
    Task<std::vector<DelayedEvent>> of_user(std::string user_id);
    Task<std::optional<DelayedEvent>> find(std::string delay_id);
    /// Its time begins anew. False if it does not wait (any more).
    Task<bool> restart(std::string delay_id, std::int64_t now_ms);
    /// The same, now: it is due.
    Task<bool> make_due(std::string delay_id, std::int64_t now_ms);
    Task<bool> remove(std::string delay_id);
    /// When the next one is to be sent; nothing if none waits.
    Task<std::optional<std::int64_t>> next_time();
    /// Those whose time has come, most overdue first.
    Task<std::vector<DelayedEvent>> due(std::int64_t now_ms, std::size_t limit);
    /// Somebody else set the state: what was to be set later is not any more. Returns how many.
    Task<std::size_t> cancel_state(std::string room_id, std::string type, std::string state_key,
                                   std::string set_by);

private:
    StoreContext context_;
};

}  // namespace weft::storage
