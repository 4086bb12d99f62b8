#include "stored_room.hpp"

namespace weft::test {
namespace {

constexpr storage::Sql kInsertRoom{
    "test_insert_room",
    "INSERT INTO rooms (room_id, is_public, creator, room_version) VALUES ($1, false, '', $2)"};
constexpr storage::Sql kInsertEvents{
    "test_insert_room_events",
    "WITH input AS (SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], "
    "$7::text[]) WITH ORDINALITY "
    "AS t(event_id, type, state_key, depth, json, sender, n)), "
    "start AS (SELECT COALESCE(max(stream_ordering), 0) AS at FROM events), "
    "stored AS (INSERT INTO events (stream_ordering, topological_ordering, depth, event_id, room_id, type, "
    "processed, outlier, sender) "
    "SELECT at + n, depth, depth, event_id, $1, type, true, false, sender FROM input, start), "
    "bodies AS (INSERT INTO event_json (event_id, room_id, internal_metadata, json, format_version) "
    "SELECT event_id, $1, '{}', json, 3 FROM input), "
    "auth AS (INSERT INTO event_auth (event_id, auth_id, room_id) SELECT e, a, $1 FROM unnest($8::text[], "
    "$9::text[]) AS t(e, a)) "
    "INSERT INTO state_events (event_id, room_id, type, state_key) SELECT event_id, $1, type, state_key FROM "
    "input"};
constexpr storage::Sql kInsertGroup{
    "test_insert_group",
    "WITH id AS MATERIALIZED (SELECT nextval('state_group_id_seq') AS id), "
    "stored AS (INSERT INTO state_groups (id, room_id, event_id) SELECT id, $1, '' FROM id), "
    "edge AS (INSERT INTO state_group_edges (state_group, prev_state_group) SELECT id, $2::bigint FROM id "
    "WHERE $2::bigint IS NOT NULL), "
    "rows AS (INSERT INTO state_groups_state (state_group, room_id, type, state_key, event_id) "
    "SELECT id, $1, t, k, e FROM id, unnest($3::text[], $4::text[], $5::text[]) AS r(t, k, e)) SELECT id "
    "FROM id"};

}  // namespace

void store_room(StorageFixture& fixture, const RandomRoom& room) {
    std::vector<std::string> ids, types, keys, bodies, senders, auth_events, auth_ids;
    std::vector<std::int64_t> depths;
    for (const auto& event : room.order) {
        ids.push_back(event->event_id().str());
        types.push_back(event->type());
        keys.push_back(*event->state_key());
        depths.push_back(event->depth());
        bodies.push_back(event->pdu_json());
        senders.push_back(event->sender().str());
        for (const auto& auth : event->auth_events()) {
            auth_events.push_back(ids.back());
            auth_ids.push_back(auth.str());
        }
    }
    fixture.run(fixture.db.query(kInsertRoom, room.room_id.str(), room.version.id));
    fixture.run(fixture.db.query(kInsertEvents, room.room_id.str(), ids, types, keys, depths, bodies, senders,
                                 auth_events, auth_ids));
}

std::vector<std::int64_t> store_groups(StorageFixture& fixture, const RandomRoom& room) {
    std::vector<std::int64_t> groups;
    for (std::size_t i = 0; i < room.history.size(); ++i) {
        const auto& state = room.history[i];
        const proto::StateMap* before = i > 0 && i % 25 != 0 ? &room.history[i - 1] : nullptr;
        // A difference cannot take keys away.
        const bool is_difference =
            before && std::all_of(before->begin(), before->end(),
                                  [&](const auto& held) { return state.contains(held.first); });
        std::vector<std::string> types, keys, events;
        for (const auto& [key, event_id] : state) {
            if (const auto found = is_difference ? before->find(key) : state.end();
                is_difference && found != before->end() && found->second == event_id)
                continue;
            types.push_back(key.type());
            keys.push_back(key.state_key());
            events.push_back(event_id.str());
        }
        const auto prev = is_difference ? std::optional{groups.back()} : std::nullopt;
        const auto rows =
            fixture.run(fixture.db.query(kInsertGroup, room.room_id.str(), prev, types, keys, events));
        groups.push_back(rows.front()[0].i64());
    }
    return groups;
}

}  // namespace weft::test
