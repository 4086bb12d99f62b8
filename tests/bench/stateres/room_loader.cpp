#include "room_loader.hpp"

namespace weft::bench {
namespace {

using storage::Sql;
using Texts = std::vector<std::string>;
using Numbers = std::vector<std::int64_t>;

constexpr std::size_t kEventsPerStatement = 5'000;

constexpr Sql kRoom{"bench_room",
                    "INSERT INTO rooms (room_id, is_public, creator, room_version) VALUES ($1, true, '', "
                    "'11') ON CONFLICT DO NOTHING"};
constexpr Sql kEvents{
    "bench_events",
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
constexpr Sql kGroup{
    "bench_group",
    "WITH stored AS (INSERT INTO state_groups (id, room_id, event_id) VALUES ($2::bigint, $1, '')), "
    "edge AS (INSERT INTO state_group_edges (state_group, prev_state_group) SELECT $2::bigint, $3::bigint "
    "WHERE $3::bigint IS NOT NULL) "
    "INSERT INTO state_groups_state (state_group, room_id, type, state_key, event_id) "
    "SELECT $2::bigint, $1, t, k, e FROM unnest($4::text[], $5::text[], $6::text[]) AS r(t, k, e)"};

}  // namespace

void RoomLoader::add_events(const BigRoom& room, std::size_t from) {
    const auto& order = room.order();
    while (from < order.size()) {
        const auto to = std::min(order.size(), from + kEventsPerStatement);
        Texts ids, types, keys, bodies, senders, auth_events, auth_ids;
        Numbers depths;
        for (auto i = from; i < to; ++i) {
            const auto& event = *order[i];
            ids.push_back(event.event_id().str());
            types.push_back(event.type());
            keys.push_back(*event.state_key());
            depths.push_back(event.depth());
            bodies.push_back(event.pdu_json());
            senders.push_back(event.sender().str());
            for (const auto& auth : event.auth_events()) {
                auth_events.push_back(ids.back());
                auth_ids.push_back(auth.str());
            }
        }
        db_.run_blocking([&](storage::Transaction& txn) {
            txn.exec(kRoom, room.id());
            txn.exec(kEvents, room.id(), ids, types, keys, depths, bodies, senders, auth_events, auth_ids);
        });
        from = to;
    }
}

std::int64_t RoomLoader::add_group(const BigRoom& room, std::optional<std::int64_t> prev,
                                   const proto::StateMap& rows) {
    Texts types, keys, events;
    for (const auto& [key, event_id] : rows) {
        types.push_back(key.type());
        keys.push_back(key.state_key());
        events.push_back(event_id.str());
    }
    const auto id = next_group_++;
    db_.run_blocking(
        [&](storage::Transaction& txn) { txn.exec(kGroup, room.id(), id, prev, types, keys, events); });
    return id;
}

std::int64_t RoomLoader::add_base_groups(const BigRoom& room, int chain) {
    auto group = add_group(room, std::nullopt, room.state());
    auto entry = room.state().begin();
    for (int n = 0; n < chain; ++n, ++entry) group = add_group(room, group, {*entry});
    return group;
}

std::int64_t RoomLoader::add_branch(const BigRoom& room, std::int64_t base, const BigRoom::Branch& branch) {
    auto group = base;
    for (const auto& change : branch.changed) group = add_group(room, group, {change});
    return group;
}

void RoomLoader::run(const std::string& sql) {
    db_.run_blocking([&](storage::Transaction& txn) { txn.exec_script(sql); });
}

}  // namespace weft::bench
