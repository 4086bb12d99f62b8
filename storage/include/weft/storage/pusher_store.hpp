#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// What names a pusher.
struct PusherKey {
    std::string user_id;
    std::string app_id;
    std::string push_key;

    bool operator==(const PusherKey&) const = default;
};

/// Where notifications of a user go, as the client set it. Client-server API, "Push Notifications".
struct PusherSettings {
    PusherKey key;
    std::string kind;  // http or email
    std::string app_display_name;
    std::string device_display_name;
    std::string profile_tag;
    std::optional<std::string> lang;
    std::string data = "{}";                      // JSON object
    std::optional<std::int64_t> access_token_id;  // of the session that made it
    std::optional<std::string> device_id;         // with which it goes
    std::int64_t last_stream_ordering = 0;        // events up to here are not pushed any more
};

struct Pusher {
    /// Also its token on the stream: setting a pusher again gives it a new one.
    std::int64_t id = 0;
    PusherSettings settings;
    std::int64_t created_ms = 0;
    std::optional<std::int64_t> last_success_ms;
    std::optional<std::int64_t> failing_since_ms;
};

/// How long a room stays quiet for a pusher that sends mail.
struct PusherThrottle {
    std::int64_t last_sent_ms = 0;
    std::int64_t pause_ms = 0;
};

/// Pushers. Stream `pushers`, row: [user, app ID, push key, deleted]. Cache: get_if_user_has_pusher. `set`:
/// the writer of pushers only. Removals elsewhere ask the writer.
class PusherStore {
public:
    PusherStore(StoreContext context, StreamState& pushers);

    /// Adds the pusher or replaces it. Returns the token.
    Task<std::int64_t> set(PusherSettings settings);
    /// Nothing is returned if there was no such pusher.
    Task<std::optional<std::int64_t>> remove(PusherKey key);
    /// Removes those of all users but one that share an app ID and push key. Returns the newest token, if
    /// any.
    Task<std::optional<std::int64_t>> remove_of_others(PusherKey keep);
    /// Removes what these sessions of a user made. Returns the newest token, if any.
    Task<std::optional<std::int64_t>> remove_of_sessions(std::string user_id,
                                                         std::vector<std::int64_t> access_token_ids);

    /// The same by device, whose tokens may change.
    Task<std::optional<std::int64_t>> remove_of_devices(std::string user_id,
                                                        std::vector<std::string> device_ids);
    /// Removes what devices and sessions made that exist no more. Returns the newest token, if any.
    Task<std::optional<std::int64_t>> remove_orphans();

    using Remove = std::function<Task<std::optional<std::int64_t>>(std::vector<PusherKey> keys)>;
    /// Processes that do not write the stream: how the writer is asked to remove.
    void set_remote_writer(Remove function) { remote_ = std::move(function); }
    Task<std::optional<std::int64_t>> remove_all(std::vector<PusherKey> keys);

    /// Ordered by ID, as all lists here.
    Task<std::vector<Pusher>> of_user(std::string user_id);
    Task<std::optional<Pusher>> get(PusherKey key);
    Task<std::vector<Pusher>> all();
    Task<bool> has_pusher(std::string user_id);
    /// Those of the kind whose users were notified of something that the pusher has not dealt with.
    Task<std::vector<Pusher>> with_news(std::string kind);
    /// By room; those of rooms that were never told of are missing.
    Task<std::map<std::string, PusherThrottle>> throttles(std::int64_t pusher_id);
    Task<void> set_throttle(std::int64_t pusher_id, std::string room_id, PusherThrottle throttle);

    /// How far the pusher has got, from any process; neither is replicated. False if it is gone.
    Task<bool> set_progress(PusherKey key, std::int64_t last_stream_ordering,
                            std::optional<std::int64_t> last_success_ms);
    Task<bool> set_failing_since(PusherKey key, std::optional<std::int64_t> failing_since_ms);

    Task<StreamUpdates> updates(std::int64_t from, std::int64_t to, std::size_t limit);
    StreamState& stream() { return pushers_; }

private:
    StoreContext context_;
    StreamState& pushers_;
    core::Cache<std::string, bool> cache_;
    Remove remote_;
};

}  // namespace weft::storage
