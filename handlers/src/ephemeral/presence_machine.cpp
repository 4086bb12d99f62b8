#include "weft/handlers/ephemeral/presence_machine.hpp"

#include <algorithm>
#include <limits>

namespace weft::handlers {

using storage::PresenceState;

bool presence_worth_telling(const PresenceState& told, const PresenceState& current) {
    if (told.state != current.state || told.status_msg != current.status_msg) return true;
    if (told.currently_active != current.currently_active) return true;
    return !current.currently_active &&
           current.last_active_ts - told.last_active_ts > PresenceMachine::kActiveMs;
}

PresenceMachine::User& PresenceMachine::user(const std::string& user_id) {
    const auto [place, added] = users_.try_emplace(user_id);
    if (added) place->second.current.user_id = place->second.told.user_id = user_id;
    return place->second;
}

const PresenceState* PresenceMachine::find(const std::string& user_id) const {
    const auto found = users_.find(user_id);
    return found == users_.end() ? nullptr : &found->second.current;
}

bool PresenceMachine::syncs_at(const std::string& process, const std::string& user_id) const {
    const auto source = processes_.find(process);
    return source != processes_.end() && source->second.users.contains(user_id);
}

void PresenceMachine::load(State state, std::int64_t now_ms) {
    auto& entry = user(state.user_id);
    entry.told = state;
    for (auto* time : {&state.last_active_ts, &state.last_user_sync_ts}) {
        *time = std::clamp<std::int64_t>(*time, 0, now_ms);  // clocks differ
    }
    if (state.state != "offline") state.last_user_sync_ts = std::max(state.last_user_sync_ts, now_ms);
    // An active user's later actions were not told, and so not stored.
    if (state.currently_active) state.last_active_ts = std::max(state.last_active_ts, now_ms - kActiveMs / 2);
    entry.current = std::move(state);
    schedule(entry);
}

void PresenceMachine::change(User& user, State next, std::int64_t now_ms) {
    next.currently_active = next.state == "online" && now_ms - next.last_active_ts < kActiveMs;
    user.current = std::move(next);
    if (presence_worth_telling(user.told, user.current)) {
        user.told = user.current;
        changed_.insert(user.current.user_id);
    }
    schedule(user);
}

void PresenceMachine::schedule(User& user) {
    const auto& state = user.current;
    if (user.due_ms >= 0) due_.erase({user.due_ms, state.user_id});
    user.due_ms = -1;
    if (state.state == "offline") return;
    constexpr auto kNever = std::numeric_limits<std::int64_t>::max();
    auto due = kNever;
    if (state.currently_active) due = std::min(due, state.last_active_ts + kActiveMs);
    if (state.state == "online") due = std::min(due, state.last_active_ts + kIdleMs);
    if (user.processes == 0) {
        due = std::min(due, std::max(state.last_user_sync_ts, state.last_active_ts) + kSyncOnlineMs);
    }
    if (due == kNever) return;
    user.due_ms = std::max<std::int64_t>(due, 0);
    due_.emplace(user.due_ms, state.user_id);
}

void PresenceMachine::check_timers(User& user, std::int64_t now_ms) {
    auto next = user.current;
    const auto last_seen = std::max(next.last_user_sync_ts, next.last_active_ts);
    if (user.processes == 0 && now_ms - last_seen >= kSyncOnlineMs) {
        next.state = "offline";
    } else if (next.state == "online" && now_ms - next.last_active_ts >= kIdleMs) {
        next.state = "unavailable";
    }
    change(user, std::move(next), now_ms);
}

void PresenceMachine::set_state(const std::string& user_id, const std::string& state,
                                std::optional<std::optional<std::string>> status_msg, std::int64_t now_ms) {
    auto& entry = user(user_id);
    auto next = entry.current;
    next.state = state;
    if (status_msg) next.status_msg = std::move(*status_msg);
    // Somebody who says that they are here is, for a while, even without a sync.
    if (state == "online") next.last_active_ts = now_ms;
    if (state == "unavailable") next.last_user_sync_ts = std::max(next.last_user_sync_ts, now_ms);
    change(entry, std::move(next), now_ms);
}

void PresenceMachine::user_active(const std::string& user_id, std::int64_t now_ms) {
    auto& entry = user(user_id);
    auto next = entry.current;
    next.last_active_ts = now_ms;
    if (next.state == "unavailable") next.state = "online";
    change(entry, std::move(next), now_ms);
}

void PresenceMachine::tell_again(const std::string& user_id) {
    const auto found = users_.find(user_id);
    if (found == users_.end() || found->second.current.state == "offline") return;
    found->second.told = found->second.current;
    changed_.insert(user_id);
}

void PresenceMachine::sync_started(const std::string& process, const std::string& user_id,
                                   std::int64_t sync_ms, std::int64_t now_ms) {
    auto& source = processes_[process];
    source.lost_ms.reset();
    auto& entry = user(user_id);
    auto next = entry.current;
    sync_ms = std::clamp<std::int64_t>(sync_ms, 0, now_ms);  // clocks differ
    const bool came = source.users.insert(user_id).second;
    if (came) {
        ++entry.processes;
        if (next.state == "offline") {
            next.state = "online";
            next.last_active_ts = std::max(next.last_active_ts, sync_ms);
        }
    }
    next.last_user_sync_ts = std::max(next.last_user_sync_ts, sync_ms);
    change(entry, std::move(next), now_ms);
}

void PresenceMachine::sync_ended(const std::string& process, const std::string& user_id, std::int64_t sync_ms,
                                 std::int64_t now_ms) {
    const auto source = processes_.find(process);
    if (source == processes_.end()) return;
    source->second.lost_ms.reset();
    if (source->second.users.erase(user_id) == 0) return;
    auto& entry = user(user_id);
    --entry.processes;
    auto next = entry.current;
    next.last_user_sync_ts = std::max(next.last_user_sync_ts, std::clamp<std::int64_t>(sync_ms, 0, now_ms));
    change(entry, std::move(next), now_ms);
}

void PresenceMachine::drop_process(const std::string& process, std::int64_t last_sync_ms,
                                   std::int64_t now_ms) {
    const auto source = processes_.find(process);
    if (source == processes_.end()) return;
    const auto users = std::move(source->second.users);
    processes_.erase(source);
    for (const auto& user_id : users) {
        auto& entry = user(user_id);
        --entry.processes;
        auto next = entry.current;
        next.last_user_sync_ts = std::max(next.last_user_sync_ts, last_sync_ms);
        change(entry, std::move(next), now_ms);
    }
}

void PresenceMachine::process_cleared(const std::string& process, std::int64_t now_ms) {
    drop_process(process, now_ms, now_ms);
}

void PresenceMachine::process_lost(const std::string& process, std::int64_t now_ms) {
    if (const auto source = processes_.find(process); source != processes_.end()) {
        source->second.lost_ms = now_ms;
    }
}

void PresenceMachine::tick(std::int64_t now_ms) {
    std::vector<std::pair<std::string, std::int64_t>> gone;
    for (const auto& [name, process] : processes_) {
        if (process.lost_ms && now_ms - *process.lost_ms >= kLostProcessMs) {
            gone.emplace_back(name, *process.lost_ms);
        }
    }
    for (const auto& [name, lost_ms] : gone) drop_process(name, lost_ms, now_ms);
    while (!due_.empty() && due_.begin()->first <= now_ms) {
        const auto user_id = due_.begin()->second;
        check_timers(user(user_id), now_ms);
    }
}

std::vector<PresenceState> PresenceMachine::take_changes(std::size_t max) {
    std::vector<State> states;
    while (!changed_.empty() && states.size() < max) {
        states.push_back(user(*changed_.begin()).told);
        changed_.erase(changed_.begin());
    }
    return states;
}

void PresenceMachine::stored(const std::vector<State>& states) {
    for (const auto& state : states) {
        const auto found = users_.find(state.user_id);
        if (found == users_.end() || changed_.contains(state.user_id)) continue;
        if (found->second.current.state == "offline" && found->second.processes == 0) users_.erase(found);
    }
}

void PresenceMachine::not_stored(const std::vector<State>& states) {
    for (const auto& state : states) {
        if (users_.contains(state.user_id)) changed_.insert(state.user_id);
    }
}

}  // namespace weft::handlers
