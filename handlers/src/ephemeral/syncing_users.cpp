#include "weft/handlers/ephemeral/syncing_users.hpp"

namespace weft::handlers {

SyncingUsers::Begun SyncingUsers::begin(const std::string& user_id, bool online) {
    const auto [place, came] = users_.try_emplace(user_id);
    auto& polls = place->second;
    Begun begun;
    begun.came = came;
    const bool wants_online = online || polls.online > 0;
    if (wants_online != polls.wants_online) {
        polls.wants_online = wants_online;
        begun.presence = wants_online ? "online" : "unavailable";
    }
    ++(online ? polls.online : polls.unavailable);
    return begun;
}

void SyncingUsers::end(const std::string& user_id, bool online, std::int64_t now_ms) {
    const auto found = users_.find(user_id);
    if (found == users_.end()) return;
    --(online ? found->second.online : found->second.unavailable);
    found->second.ended_ms = now_ms;
}

std::vector<SyncingUsers::Left> SyncingUsers::leave(std::int64_t now_ms) {
    std::vector<Left> left;
    for (auto place = users_.begin(); place != users_.end();) {
        const auto& polls = place->second;
        if (polls.online > 0 || polls.unavailable > 0 || now_ms - polls.ended_ms < kGraceMs) {
            ++place;
            continue;
        }
        left.push_back({place->first, polls.ended_ms});
        place = users_.erase(place);
    }
    return left;
}

std::vector<std::string> SyncingUsers::all() const {
    std::vector<std::string> users;
    users.reserve(users_.size());
    for (const auto& [user_id, polls] : users_) users.push_back(user_id);
    return users;
}

}  // namespace weft::handlers
