#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "weft/core/async.hpp"
#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/metrics.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::handlers {

/// Wakes users who wait for news. What wakes whom follows from the rows of the streams alone, so it is the same whether a
/// row was written here or elsewhere. Logic thread only.
class Notifier {
public:
    /// Streams whose rows name rooms, and those whose rows name users.
    struct Streams {
        storage::StreamState& events;
        storage::StreamState& typing;
        storage::StreamState& receipts;
        storage::StreamState& account_data;
        storage::StreamState& tags;
        storage::StreamState& push_rules;
        storage::StreamState& to_device;
        storage::StreamState& device_lists;
        storage::StreamState& user_signature;
        storage::StreamState& presence;
    };

    /// For presence alone nobody is woken more often than every `presence_interval_ms`.
    Notifier(asio::any_io_executor executor, const core::Clock& clock, storage::StateStore& states, Streams streams,
             std::int64_t presence_interval_ms = 0);
    ~Notifier();

    /// A user who is listening. Look at `generation`, look for news, and wait only if there is none.
    struct Listener {
        explicit Listener(const asio::any_io_executor& executor) : signal{executor} {}
        core::Signal signal;
        std::uint64_t generation = 0;
        std::string user_id;
        storage::UserRoomsPtr rooms;
        std::int64_t last_used_ms = 0;
        std::int64_t presence_told_ms = 0;  // by the monotonic clock; 0: never
        bool is_due = false;                // to be woken, and its turn has not come
    };
    /// Registers the user for all rooms they are joined to; keeps the registration for a while after the last use.
    std::shared_ptr<Listener> listen(const std::string& user_id, storage::UserRoomsPtr rooms);
    /// Sleeps until something may have happened since `generation`; false if `timeout_ms` passed first.
    Task<bool> wait(std::shared_ptr<Listener> listener, std::uint64_t generation, std::int64_t timeout_ms);

    /// Somebody here listens for what happens in this room, or to this user.
    bool is_heard(const std::string& room_id, const std::string& user_id) const {
        return by_room_.contains(room_id) || listeners_.contains(user_id);
    }
    /// How long an answer to the user that has nothing but presence should be held back.
    std::int64_t presence_hold_ms(const Listener& listener) const;
    void presence_told(Listener& listener) { listener.presence_told_ms = clock_.monotonic_ms(); }

    void wake_user(const std::string& user_id);
    void wake_room(const std::string& room_id);
    /// Everybody's polls end now (shutdown).
    void wake_all();
    Task<void> stop();

private:
    void register_rooms(const std::shared_ptr<Listener>& listener, storage::UserRoomsPtr rooms);
    void unregister_rooms(const std::shared_ptr<Listener>& listener);
    void sweep();
    void wake(const std::shared_ptr<Listener>& listener);
    /// Wakes some of those who are due, and the others in turn with whatever else there is to do: an answer is written while
    /// the next ones are made, and a room with many listeners keeps nobody waiting.
    void wake_due();
    void wake_next();
    Task<void> wake_the_rest();
    void wake_sharing(std::vector<std::string> users);
    Task<void> wake_rooms_of(std::vector<std::string> users);
    Task<void> wake_for_presence();

    asio::any_io_executor executor_;
    const core::Clock& clock_;
    storage::StateStore& states_;
    core::Gauge listeners_gauge_;
    std::unordered_map<std::string, std::shared_ptr<Listener>> listeners_;
    std::unordered_map<std::string, std::unordered_set<std::shared_ptr<Listener>>> by_room_;
    std::deque<std::shared_ptr<Listener>> due_;
    bool wakes_ = false;  // wake_the_rest() is under way
    std::int64_t next_sweep_ms_ = 0;
    const std::int64_t presence_interval_ms_;
    std::set<std::string> presence_changed_;  // since listeners were last woken for presence
    std::int64_t next_presence_ms_ = 0;
    bool presence_waits_ = false;
    core::BackgroundTasks tasks_;
};

}  // namespace weft::handlers
