#include "weft/storage/room_directory_store.hpp"

#include "stores/store_support.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::storage {

using proto::replication::PublicRoomsRow;

namespace {

constexpr std::size_t kCacheEntries = 5'000;
constexpr auto kCacheName = "get_aliases_for_room";

constexpr Sql kIsPublic{"room_is_public", "SELECT is_public FROM rooms WHERE room_id = $1"};

constexpr Sql kSetPublic{"set_room_is_public", R"sql(
    WITH changed AS (
        UPDATE rooms SET is_public = $2 WHERE room_id = $1 AND is_public IS DISTINCT FROM $2 RETURNING room_id
    )
    INSERT INTO public_room_list_stream (stream_id, room_id, visibility) SELECT $3, room_id, $2 FROM changed)sql"};

constexpr Sql kPublicRooms{"public_rooms", R"sql(
    SELECT room_id, joined FROM (
        SELECT r.room_id, count(*) AS joined FROM rooms AS r
        JOIN current_state_events AS c ON c.room_id = r.room_id AND c.type = 'm.room.member' AND c.membership = 'join'
        WHERE r.is_public GROUP BY r.room_id
    ) AS listed
    WHERE $1::bigint IS NULL OR joined < $1 OR (joined = $1 AND room_id > $2)
    ORDER BY joined DESC, room_id LIMIT $3)sql"};

constexpr Sql kCountPublicRooms{"count_public_rooms", R"sql(
    SELECT count(*) FROM rooms AS r WHERE r.is_public AND EXISTS (
        SELECT 1 FROM current_state_events AS c
        WHERE c.room_id = r.room_id AND c.type = 'm.room.member' AND c.membership = 'join'))sql"};

constexpr Sql kNetworkRooms{"network_rooms", R"sql(
    SELECT listed.room_id, count(*) AS joined FROM (
        SELECT room_id FROM appservice_room_list WHERE $1::text IS NULL OR appservice_id || '|' || network_id = $1
        UNION
        SELECT room_id FROM rooms WHERE $1::text IS NULL AND is_public
    ) AS listed
    JOIN current_state_events AS c
        ON c.room_id = listed.room_id AND c.type = 'm.room.member' AND c.membership = 'join'
    GROUP BY listed.room_id ORDER BY joined DESC, listed.room_id LIMIT $2)sql"};

constexpr Sql kInsertAlias{"insert_room_alias",
                           "INSERT INTO room_aliases (room_alias, room_id, creator) VALUES ($1, $2, $3)"};

constexpr Sql kInsertAliasServers{"insert_room_alias_servers", R"sql(
    INSERT INTO room_alias_servers (room_alias, server) SELECT $1, server FROM unnest($2::text[]) AS s(server))sql"};

constexpr Sql kGetAlias{"get_room_alias", R"sql(
    SELECT a.room_id, a.creator, s.server FROM room_aliases AS a
    LEFT JOIN room_alias_servers AS s ON s.room_alias = a.room_alias
    WHERE a.room_alias = $1 ORDER BY s.server)sql"};

constexpr Sql kDeleteAlias{"delete_room_alias", R"sql(
    WITH servers AS (DELETE FROM room_alias_servers WHERE room_alias = $1)
    DELETE FROM room_aliases WHERE room_alias = $1 RETURNING room_id)sql"};

constexpr Sql kAliasesOfRoom{"get_aliases_for_room",
                             "SELECT room_alias FROM room_aliases WHERE room_id = $1 ORDER BY room_alias"};

constexpr Sql kUpdates{"public_room_updates", R"sql(
    SELECT stream_id, room_id, visibility, appservice_id, network_id FROM public_room_list_stream
    WHERE stream_id > $1 AND stream_id <= $2 ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

}  // namespace

RoomDirectoryStore::RoomDirectoryStore(StoreContext context, StreamState& public_rooms)
    : context_{std::move(context)},
      public_rooms_{public_rooms},
      aliases_{kCacheName, context_.scaled(kCacheEntries), context_.executor} {
    register_cache(context_.caches, kCacheName, aliases_);
}

Task<bool> RoomDirectoryStore::is_public(std::string room_id) {
    const auto rows = co_await context_.db.query(kIsPublic, room_id);
    co_return !rows.empty() && rows.front()[0].boolean();
}

Task<std::optional<std::int64_t>> RoomDirectoryStore::set_public(std::string room_id, bool visible) {
    auto id = public_rooms_.allocate();
    const auto token = id.first();
    const auto result = co_await context_.db.query(kSetPublic, room_id, visible, token);
    if (result.affected() == 0) co_return std::nullopt;
    public_rooms_.publish(std::move(id),
                          {{token, PublicRoomsRow{room_id, visible, std::nullopt, std::nullopt}.to_json()}});
    co_return token;
}

Task<std::vector<PublicRoom>> RoomDirectoryStore::public_rooms(std::size_t limit,
                                                               std::optional<PublicRoom> after) {
    std::optional<std::int64_t> members;
    std::optional<std::string> room_id;
    if (after) {
        members = after->joined_members;
        room_id = after->room_id;
    }
    std::vector<PublicRoom> rooms;
    for (const auto row : co_await context_.db.query(kPublicRooms, members, room_id, limit)) {
        rooms.push_back({row[0].str(), row[1].i64()});
    }
    co_return rooms;
}

Task<std::vector<PublicRoom>> RoomDirectoryStore::network_rooms(std::optional<std::string> instance_id,
                                                                std::size_t limit) {
    std::vector<PublicRoom> rooms;
    for (const auto row : co_await context_.db.query(kNetworkRooms, instance_id, limit))
        rooms.push_back({row[0].str(), row[1].i64()});
    co_return rooms;
}

Task<std::int64_t> RoomDirectoryStore::count_public_rooms() {
    co_return (co_await context_.db.query(kCountPublicRooms)).front()[0].i64();
}

Task<bool> RoomDirectoryStore::create_alias(RoomAlias alias) {
    try {
        co_await context_.db.run("create_room_alias", [&, this](Transaction& txn) {
            txn.exec(kInsertAlias, alias.alias, alias.room_id, alias.creator);
            txn.exec(kInsertAliasServers, alias.alias, alias.servers);
            context_.cache_writer.invalidate(txn, kCacheName, {alias.room_id});
        });
    } catch (const UniqueViolation&) {
        co_return false;
    }
    co_return true;
}

Task<std::optional<RoomAlias>> RoomDirectoryStore::get_alias(std::string alias) {
    const auto rows = co_await context_.db.query(kGetAlias, alias);
    if (rows.empty()) co_return std::nullopt;
    RoomAlias found;
    found.alias = alias;
    found.room_id = rows.front()[0].str();
    found.creator = rows.front()[1].opt_str();
    for (const auto row : rows) {
        if (!row[2].is_null()) found.servers.push_back(row[2].str());
    }
    co_return found;
}

Task<std::optional<std::string>> RoomDirectoryStore::delete_alias(std::string alias) {
    co_return co_await context_.db.run("delete_room_alias",
                                       [&, this](Transaction& txn) -> std::optional<std::string> {
                                           const auto rows = txn.exec(kDeleteAlias, alias);
                                           if (rows.empty()) return std::nullopt;
                                           auto room_id = rows.front()[0].str();
                                           context_.cache_writer.invalidate(txn, kCacheName, {room_id});
                                           return room_id;
                                       });
}

Task<std::shared_ptr<const std::vector<std::string>>> RoomDirectoryStore::aliases_of_room(
    std::string room_id) {
    co_return co_await aliases_.get(room_id, [this](std::string room) -> Task<std::vector<std::string>> {
        std::vector<std::string> aliases;
        for (const auto row : co_await context_.db.query(kAliasesOfRoom, room))
            aliases.push_back(row[0].str());
        co_return aliases;
    });
}

Task<StreamUpdates> RoomDirectoryStore::updates(std::int64_t from, std::int64_t to, std::size_t limit) {
    const auto rows = co_await context_.db.query(kUpdates, from, to, limit);
    co_return make_updates(rows, to, limit, [](const Rows::Row& row) {
        return PublicRoomsRow{row[1].str(), row[2].boolean(), row[3].opt_str(), row[4].opt_str()}.to_json();
    });
}

}  // namespace weft::storage
