#include "weft/storage/room_store.hpp"

namespace weft::storage {
namespace {

constexpr Sql kForget{"forget_room",
                      "UPDATE room_memberships SET forgotten = 1 WHERE user_id = $1 AND room_id = $2"};

constexpr Sql kAddOfInvite{
    "add_room_of_invite",
    "INSERT INTO rooms (room_id, is_public, creator, room_version) VALUES ($1, false, '', $2) "
    "ON CONFLICT (room_id) DO NOTHING"};

constexpr Sql kStateByType{"room_state_by_type",
                           "SELECT room_id, type, event_id FROM current_state_events "
                           "WHERE room_id = ANY($1::text[]) AND type = ANY($2::text[]) AND state_key = ''"};

constexpr Sql kMoveAliases{"move_room_aliases",
                           "UPDATE room_aliases SET room_id = $2 WHERE room_id = $1 RETURNING room_alias"};

constexpr Sql kHasAnnotation{
    "has_annotation",
    "SELECT 1 FROM event_relations r JOIN events e ON e.event_id = r.event_id "
    "WHERE r.relates_to_id = $1 AND r.relation_type = 'm.annotation' AND r.aggregation_key = $2 "
    "AND e.room_id = $3 AND e.sender = $4 AND e.type = $5 "
    "AND NOT EXISTS (SELECT 1 FROM redactions d WHERE d.redacts = r.event_id) LIMIT 1"};

constexpr Sql kJoinedGuests{"joined_guests_of_room", R"sql(
    SELECT c.state_key FROM current_state_events AS c JOIN users AS u ON u.name = c.state_key
    WHERE c.room_id = $1 AND c.type = 'm.room.member' AND c.membership = 'join' AND u.is_guest = 1)sql"};

constexpr Sql kIsBlocked{"room_is_blocked", "SELECT FROM blocked_rooms WHERE room_id = $1"};

}  // namespace

RoomStore::RoomStore(StoreContext context) : context_{std::move(context)} {}

Task<void> RoomStore::forget(std::string user_id, std::string room_id) {
    auto body = [this, user_id = std::move(user_id), room_id = std::move(room_id)](Transaction& txn) {
        txn.exec(kForget, user_id, room_id);
        context_.cache_writer.invalidate(txn, "did_forget", {user_id, room_id});
        context_.cache_writer.invalidate(txn, "get_forgotten_rooms_for_user", {user_id});
    };
    co_await context_.db.run("forget_room", std::move(body));
}

Task<void> RoomStore::add_of_invite(std::string room_id, std::string room_version) {
    co_await context_.db.query(kAddOfInvite, room_id, room_version);
}

Task<std::unordered_map<std::string, RoomStore::StateByType>> RoomStore::state_by_type(
    std::vector<std::string> rooms, std::vector<std::string> types) {
    std::unordered_map<std::string, StateByType> out;
    if (rooms.empty()) co_return out;
    const auto rows = co_await context_.db.query(kStateByType, rooms, types);
    for (const auto row : rows)
        out[row[0].str()].emplace(row[1].str(), proto::EventId::trusted(row[2].str()));
    co_return out;
}

Task<std::vector<std::string>> RoomStore::move_aliases(std::string from_room, std::string to_room) {
    auto body = [this, from_room = std::move(from_room), to_room = std::move(to_room)](Transaction& txn) {
        std::vector<std::string> moved;
        for (const auto row : txn.exec(kMoveAliases, from_room, to_room)) moved.push_back(row[0].str());
        context_.cache_writer.invalidate(txn, "get_aliases_for_room", {from_room});
        context_.cache_writer.invalidate(txn, "get_aliases_for_room", {to_room});
        return moved;
    };
    co_return co_await context_.db.run("move_room_aliases", std::move(body));
}

Task<bool> RoomStore::has_annotation(AnnotationKey annotation) {
    const auto rows = co_await context_.db.query(kHasAnnotation, annotation.relates_to, annotation.key,
                                                 annotation.room_id, annotation.sender, annotation.type);
    co_return !rows.empty();
}

Task<std::vector<std::string>> RoomStore::joined_guests(std::string room_id) {
    std::vector<std::string> guests;
    for (const auto row : co_await context_.db.query(kJoinedGuests, room_id)) guests.push_back(row[0].str());
    co_return guests;
}

Task<bool> RoomStore::is_blocked(std::string room_id) {
    co_return !(co_await context_.db.query(kIsBlocked, room_id)).empty();
}

}  // namespace weft::storage
