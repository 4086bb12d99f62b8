#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/storage/stream_updates.hpp"

namespace weft::handlers {

/// Who is typing in which room, and the token at which each room's list changed last: what every process
/// knows of the typing stream, and what a process that has missed rows is told. Pure; bounded: the oldest
/// rooms where nobody types leave.
class TypingLists {
public:
    explicit TypingLists(std::size_t quiet_rooms_max = 10'000) : quiet_rooms_max_{quiet_rooms_max} {}

    /// Empty for a room that is not known.
    const std::vector<std::string>& in(const std::string& room_id) const;
    /// A row of the stream: these users, and no others, are typing. Older rows than the room's are ignored.
    void set(std::int64_t token, const std::string& room_id, std::vector<std::string> users);
    void clear();
    /// The newest lists of rooms that changed in (from, to], also the empty ones.
    storage::StreamUpdates updates(std::int64_t from, std::int64_t to, std::size_t limit) const;

    std::size_t rooms() const { return rooms_.size(); }

private:
    struct Room {
        std::int64_t token = 0;
        std::vector<std::string> users;
    };

    std::size_t quiet_rooms_max_;
    std::unordered_map<std::string, Room> rooms_;
    std::map<std::int64_t, std::string> by_token_;
    std::set<std::int64_t> quiet_;  // tokens of rooms where nobody types
};

/// Until when users type: the writer's truth. Pure; one ordered set for all, not a timer a user.
class TypingTimers {
public:
    /// True if the user was not typing there before; else only the time is prolonged (or shortened).
    bool start(const std::string& room_id, const std::string& user_id, std::int64_t until_ms);
    /// True if the user was typing there.
    bool stop(const std::string& room_id, const std::string& user_id);
    /// Stops everybody whose time has run out. The rooms where that changed something.
    std::set<std::string> expire(std::int64_t now_ms);

    /// In the order in which they began.
    std::vector<std::string> users_in(const std::string& room_id) const;
    /// Room and user, all of them.
    std::vector<std::pair<std::string, std::string>> all() const;
    bool empty() const { return deadlines_.empty(); }

private:
    struct Typist {
        std::string user_id;
        std::int64_t until_ms;
    };
    struct Deadline {
        std::int64_t until_ms;
        std::string room_id;
        std::string user_id;
        auto operator<=>(const Deadline&) const = default;
    };

    std::unordered_map<std::string, std::vector<Typist>> rooms_;
    std::set<Deadline> deadlines_;
};

}  // namespace weft::handlers
