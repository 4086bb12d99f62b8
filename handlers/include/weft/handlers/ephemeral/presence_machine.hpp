#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/storage/presence_store.hpp"

namespace weft::handlers {

/// The decisions of the presence writer (replication.md §8): facts and the time go in, states that are worth
/// telling come out. Pure; no clock, no database, no sockets. Times in milliseconds since the epoch.
class PresenceMachine {
public:
    using State = storage::PresenceState;

    /// For how long after their last action a user is "currently active"; activity within it is not told
    /// again.
    static constexpr std::int64_t kActiveMs = 60'000;
    /// Without any action for so long an online user becomes unavailable.
    static constexpr std::int64_t kIdleMs = 5 * 60'000;
    /// A user who syncs nowhere is offline so long after the last sync or action.
    static constexpr std::int64_t kSyncOnlineMs = 30'000;
    /// A process whose connection was lost is gone unless it is back within this.
    static constexpr std::int64_t kLostProcessMs = 30'000;

    bool knows(const std::string& user_id) const { return users_.contains(user_id); }
    /// The state as it was stored. Whoever was online is given time to show again: what happened between the
    /// last write and now is not known.
    void load(State state, std::int64_t now_ms);
    /// Null if the user is not known.
    const State* find(const std::string& user_id) const;
    /// Whether that process sees the user sync.
    bool syncs_at(const std::string& process, const std::string& user_id) const;

    // Facts. A user who is not known counts as offline.

    /// The user (or a client in their name) wants this state. Keeps the message if none is given.
    void set_state(const std::string& user_id, const std::string& state,
                   std::optional<std::optional<std::string>> status_msg, std::int64_t now_ms);
    void user_active(const std::string& user_id, std::int64_t now_ms);
    /// Something else that is told with the state has changed. Of those who are offline nothing is told.
    void tell_again(const std::string& user_id);
    /// `process` sees the user sync, at the latest at `sync_ms`.
    void sync_started(const std::string& process, const std::string& user_id, std::int64_t sync_ms,
                      std::int64_t now_ms);
    void sync_ended(const std::string& process, const std::string& user_id, std::int64_t sync_ms,
                    std::int64_t now_ms);
    /// Nobody syncs at `process` any more, or it is about to tell anew who does.
    void process_cleared(const std::string& process, std::int64_t now_ms);
    /// The connection of `process` was lost.
    void process_lost(const std::string& process, std::int64_t now_ms);
    /// Time has passed.
    void tick(std::int64_t now_ms);

    // States to store and tell.

    bool has_changes() const { return !changed_.empty(); }
    /// At most `max` of them, each user's newest.
    std::vector<State> take_changes(std::size_t max);
    /// They are stored: users who are offline and sync nowhere need not be kept.
    void stored(const std::vector<State>& states);
    /// They could not be stored: take_changes() will give them, or what is newer, again.
    void not_stored(const std::vector<State>& states);

    std::size_t users() const { return users_.size(); }

private:
    struct User {
        State current;
        State told;
        int processes = 0;         // that see the user sync
        std::int64_t due_ms = -1;  // in due_; -1: no timer
    };
    struct Process {
        std::set<std::string> users;
        std::optional<std::int64_t> lost_ms;
    };

    User& user(const std::string& user_id);
    void change(User& user, State next, std::int64_t now_ms);
    void check_timers(User& user, std::int64_t now_ms);
    void schedule(User& user);
    void drop_process(const std::string& process, std::int64_t last_sync_ms, std::int64_t now_ms);

    std::unordered_map<std::string, User> users_;
    std::map<std::string, Process> processes_;
    std::set<std::pair<std::int64_t, std::string>> due_;
    std::set<std::string> changed_;
};

/// Whether clients should hear of the step from `told` to `current`. While a user is currently active, the
/// time of the last action is not news.
bool presence_worth_telling(const storage::PresenceState& told, const storage::PresenceState& current);

}  // namespace weft::handlers
