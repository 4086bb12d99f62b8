#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// A cache that every process has: its key is a room that is gone from the database, in part or all of it.
inline constexpr auto kRoomPurgedCache = "weft_room_purged";

struct RoomPageQuery {
    std::optional<std::string> room_id;  // only this room
    /// Part of the name or of the canonical alias, without regard to case, or the whole room ID.
    std::optional<std::string> search;
    std::string order_by = "name";  // one of room_orders()
    bool backwards = false;
    std::int64_t from = 0;
    std::int64_t limit = 100;
};

/// A room as administrators see it. What is not set in its state is missing.
struct ListedRoom {
    std::string room_id;
    std::optional<std::string> name;
    std::optional<std::string> canonical_alias;
    std::int64_t joined_members = 0;
    std::int64_t joined_local_members = 0;
    std::optional<std::string> version;
    std::optional<std::string> creator;
    std::optional<std::string> encryption;
    bool federatable = true;
    bool is_public = false;
    std::optional<std::string> join_rules;
    std::optional<std::string> guest_access;
    std::optional<std::string> history_visibility;
    std::int64_t state_events = 0;
    std::optional<std::string> room_type;
    std::optional<std::string> topic;
    std::optional<std::string> avatar;
};

struct RoomPage {
    std::vector<ListedRoom> rooms;
    std::int64_t total = 0;
};

/// What administrators ask about rooms, and how rooms are removed.
class AdminRoomStore {
public:
    explicit AdminRoomStore(StoreContext context) : context_{std::move(context)} {}

    static const std::vector<std::string>& room_orders();
    Task<RoomPage> page(RoomPageQuery query, std::string server_name);
    Task<std::vector<std::string>> members(std::string room_id);
    /// Users of this server that have anything to do with the room now: joined, invited, knocking.
    Task<std::vector<std::string>> local_members(std::string room_id, std::string server_name);

    /// Nobody of this server may enter a blocked room. The administrator who closed it, or nothing.
    Task<std::optional<std::string>> blocked_by(std::string room_id);
    Task<void> set_blocked(std::string room_id, std::string by, bool blocked);
    /// Moves the aliases of the room to another one, or removes them; returns them.
    Task<std::vector<std::string>> remove_aliases(std::string room_id);

    /// The room is gone from all tables; returns how many events went.
    Task<std::int64_t> purge(std::string room_id);
    /// Events below this depth are gone; returns how many. `with_local`: also what users of this server sent.
    Task<std::int64_t> purge_history(std::string room_id, std::int64_t depth, bool with_local,
                                     std::string server_name);
    Task<std::optional<std::int64_t>> depth_of(std::string room_id, std::string event_id);
    /// Of the first event that arrived after this time.
    Task<std::optional<std::int64_t>> depth_at(std::string room_id, std::int64_t time_ms);

private:
    StoreContext context_;
};

}  // namespace weft::storage
