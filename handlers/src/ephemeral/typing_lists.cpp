#include "weft/handlers/ephemeral/typing_lists.hpp"

#include <algorithm>

#include "weft/proto/replication/rows.hpp"

namespace weft::handlers {

const std::vector<std::string>& TypingLists::in(const std::string& room_id) const {
    static const std::vector<std::string> kNobody;
    const auto found = rooms_.find(room_id);
    return found == rooms_.end() ? kNobody : found->second.users;
}

void TypingLists::set(std::int64_t token, const std::string& room_id, std::vector<std::string> users) {
    auto& room = rooms_[room_id];
    if (token <= room.token) return;
    by_token_.erase(room.token);
    quiet_.erase(room.token);
    room.token = token;
    room.users = std::move(users);
    by_token_.emplace(token, room_id);
    if (room.users.empty()) quiet_.insert(token);
    while (quiet_.size() > quiet_rooms_max_) {
        const auto oldest = by_token_.find(*quiet_.begin());
        rooms_.erase(oldest->second);
        by_token_.erase(oldest);
        quiet_.erase(quiet_.begin());
    }
}

void TypingLists::clear() {
    rooms_.clear();
    by_token_.clear();
    quiet_.clear();
}

storage::StreamUpdates TypingLists::updates(std::int64_t from, std::int64_t to, std::size_t limit) const {
    storage::StreamUpdates updates;
    updates.upto = to;
    for (auto place = by_token_.upper_bound(from); place != by_token_.end() && place->first <= to; ++place) {
        if (updates.rows.size() >= limit) {
            updates.limited = true;
            if (!updates.rows.empty()) updates.upto = updates.rows.back().first;
            break;
        }
        const auto& [token, room_id] = *place;
        updates.rows.emplace_back(token,
                                  proto::replication::TypingRow{room_id, rooms_.at(room_id).users}.to_json());
    }
    return updates;
}

bool TypingTimers::start(const std::string& room_id, const std::string& user_id, std::int64_t until_ms) {
    auto& typists = rooms_[room_id];
    const auto found = std::ranges::find(typists, user_id, &Typist::user_id);
    const bool is_new = found == typists.end();
    if (is_new) {
        typists.push_back({user_id, until_ms});
    } else {
        deadlines_.erase({found->until_ms, room_id, user_id});
        found->until_ms = until_ms;
    }
    deadlines_.insert({until_ms, room_id, user_id});
    return is_new;
}

bool TypingTimers::stop(const std::string& room_id, const std::string& user_id) {
    const auto room = rooms_.find(room_id);
    if (room == rooms_.end()) return false;
    const auto found = std::ranges::find(room->second, user_id, &Typist::user_id);
    if (found == room->second.end()) return false;
    deadlines_.erase({found->until_ms, room_id, user_id});
    room->second.erase(found);
    if (room->second.empty()) rooms_.erase(room);
    return true;
}

std::set<std::string> TypingTimers::expire(std::int64_t now_ms) {
    std::set<std::string> changed;
    while (!deadlines_.empty() && deadlines_.begin()->until_ms <= now_ms) {
        const auto due = *deadlines_.begin();
        stop(due.room_id, due.user_id);
        changed.insert(due.room_id);
    }
    return changed;
}

std::vector<std::string> TypingTimers::users_in(const std::string& room_id) const {
    std::vector<std::string> users;
    if (const auto found = rooms_.find(room_id); found != rooms_.end()) {
        for (const auto& typist : found->second) users.push_back(typist.user_id);
    }
    return users;
}

std::vector<std::pair<std::string, std::string>> TypingTimers::all() const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [room_id, typists] : rooms_) {
        for (const auto& typist : typists) out.emplace_back(room_id, typist.user_id);
    }
    return out;
}

}  // namespace weft::handlers
