#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/proto/ids.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// One reaction as the rule against sending it twice sees it (client-server API, "Avoiding duplicate
/// annotations").
struct AnnotationKey {
    std::string room_id;
    std::string sender;
    std::string type;
    std::string relates_to;
    std::string key;
};

/// What the rules of rooms need from the database and no other store has. Logic thread only.
class RoomStore {
public:
    explicit RoomStore(StoreContext context);

    /// The user no longer wants to know of the room; until they are a member again. Makes the caches
    /// did_forget(user, room) and get_forgotten_rooms_for_user(user) stale, in every process.
    Task<void> forget(std::string user_id, std::string room_id);

    /// A room of another server becomes known by an invite: nothing but its version. A room that is known
    /// stays as it is.
    Task<void> add_of_invite(std::string room_id, std::string room_version);

    /// An administrator has closed the room to users of this server.
    Task<bool> is_blocked(std::string room_id);

    /// Guests of this server who are joined.
    Task<std::vector<std::string>> joined_guests(std::string room_id);

    /// For each room: event type → event of its current state with an empty state key. Other types and rooms
    /// without any of them are left out. One query.
    using StateByType = std::map<std::string, proto::EventId, std::less<>>;
    Task<std::unordered_map<std::string, StateByType>> state_by_type(std::vector<std::string> rooms,
                                                                     std::vector<std::string> types);

    /// Points the aliases of one room to another, and returns them. Makes get_aliases_for_room of both stale.
    Task<std::vector<std::string>> move_aliases(std::string from_room, std::string to_room);

    /// True if there is such an annotation that was not redacted.
    Task<bool> has_annotation(AnnotationKey annotation);

private:
    StoreContext context_;
};

}  // namespace weft::storage
