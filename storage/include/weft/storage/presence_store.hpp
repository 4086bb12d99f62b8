#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// A user's presence as it is stored and replicated. Times in milliseconds since the epoch.
struct PresenceState {
    std::string user_id;
    std::string state = "offline";  // online, unavailable, offline
    std::int64_t last_active_ts = 0;
    std::int64_t last_federation_update_ts = 0;
    std::int64_t last_user_sync_ts = 0;
    std::optional<std::string> status_msg;
    bool currently_active = false;

    bool operator==(const PresenceState&) const = default;
};

/// The replication row of a state and back; nothing if the row is not one.
boost::json::value presence_row(const PresenceState& state);
std::optional<PresenceState> presence_from_row(const boost::json::value& row);

/// Persisted presence. Stream `presence`, row: the fields of PresenceState in order. Caches:
/// _get_presence_for_user. Writing: the writer of presence only.
class PresenceStore {
public:
    PresenceStore(StoreContext context, StreamState& presence);

    /// Stores the states, a token each, and announces them. Returns the newest token (the present one for no
    /// states).
    Task<std::int64_t> update(std::vector<PresenceState> states);
    /// All users that are not offline: what a process loads when it starts.
    Task<std::vector<PresenceState>> all_not_offline();
    /// Known states of these users. Cached; what is missing is loaded in one query.
    Task<std::map<std::string, PresenceState>> get(std::vector<std::string> users);

    Task<StreamUpdates> updates(std::int64_t from, std::int64_t to, std::size_t limit);
    StreamState& stream() { return presence_; }

private:
    StoreContext context_;
    StreamState& presence_;
    core::Cache<std::string, std::optional<PresenceState>> cache_;
};

}  // namespace weft::storage
