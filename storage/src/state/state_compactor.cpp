#include "weft/storage/state_compactor.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "state/state_groups.hpp"
#include "state/state_ladder.hpp"
#include "weft/core/log.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::storage {
namespace {

using Changes = std::map<proto::StateKey, proto::EventId>;

constexpr std::size_t kGroupsPerTransaction = 200;
constexpr std::int64_t kGroupsPerScan = 5'000;
/// "weft" in ASCII, and a number of its own.
constexpr std::int64_t kAdvisoryLock = 0x77656674'0001;

constexpr Sql kTryLock{"compact_try_lock", "SELECT pg_try_advisory_xact_lock($1)"};
constexpr Sql kSize{"state_groups_size",
                    "SELECT (SELECT count(*) FROM state_groups), (SELECT count(*) FROM state_groups_state), "
                    "pg_total_relation_size('state_groups') + pg_total_relation_size('state_groups_state') + "
                    "pg_total_relation_size('state_group_edges')"};
constexpr Sql kRooms{"state_groups_rooms", "SELECT DISTINCT room_id FROM state_groups ORDER BY room_id"};
constexpr Sql kGroupsOfRoom{"state_groups_of_room",
                            "SELECT g.id, e.prev_state_group FROM state_groups g LEFT JOIN state_group_edges "
                            "e ON e.state_group = g.id "
                            "WHERE g.room_id = $1 ORDER BY g.id"};
constexpr Sql kOwnRows{"state_groups_own_rows",
                       "SELECT state_group, type, state_key, event_id FROM state_groups_state WHERE "
                       "state_group = ANY($1::bigint[])"};
constexpr Sql kDelete{"compact_delete",
                      "WITH edges AS (DELETE FROM state_group_edges WHERE state_group = ANY($1::bigint[])) "
                      "DELETE FROM state_groups_state WHERE state_group = ANY($1::bigint[])"};
constexpr Sql kInsert{
    "compact_insert",
    "WITH edges AS (INSERT INTO state_group_edges (state_group, prev_state_group) "
    "SELECT * FROM unnest($2::bigint[], $3::bigint[])) "
    "INSERT INTO state_groups_state (state_group, room_id, type, state_key, event_id) "
    "SELECT g, $1, t, k, e FROM unnest($4::bigint[], $5::text[], $6::text[], $7::text[]) AS r(g, t, k, e)"};
constexpr Sql kNewest{"state_groups_newest", "SELECT COALESCE(max(id), 0) FROM state_groups"};
// Groups that no other one is built on.
constexpr Sql kTops{"state_groups_tops",
                    "SELECT g.id FROM state_groups g WHERE g.id > $1 AND g.id <= $2 "
                    "AND NOT EXISTS (SELECT 1 FROM state_group_edges e WHERE e.prev_state_group = g.id)"};
constexpr Sql kReferenced{
    "state_groups_referenced",
    "SELECT DISTINCT state_group FROM event_to_state_groups WHERE state_group = ANY($1::bigint[]) UNION "
    "SELECT state_group FROM ex_outlier_stream WHERE state_group = ANY($1::bigint[])"};
constexpr Sql kCollect{
    "collect_state_groups",
    "WITH gone AS (DELETE FROM state_groups g WHERE g.id = ANY($1::bigint[]) "
    "AND NOT EXISTS (SELECT 1 FROM state_group_edges e WHERE e.prev_state_group = g.id) RETURNING g.id), "
    "edges AS (DELETE FROM state_group_edges WHERE state_group IN (SELECT id FROM gone)), "
    "rows AS (DELETE FROM state_groups_state WHERE state_group IN (SELECT id FROM gone)) SELECT count(*) "
    "FROM gone"};

/// What became of each key from one state to the next; nothing if a key is gone, which no difference can say.
std::optional<Changes> changes_between(const proto::StateMap& before, const proto::StateMap& after) {
    for (const auto& [key, event_id] : before) {
        if (!after.contains(key)) return std::nullopt;
    }
    return Changes{after.begin(), after.end()};
}

}  // namespace

/// The groups of a room, and what they are stored as.
struct StateCompactor::Room {
    struct Group {
        std::int64_t id = 0;
        std::optional<std::int64_t> prev;
    };
    std::vector<Group> groups;  // ascending
};

Task<StateCompactor::Size> StateCompactor::size() {
    const auto rows = co_await databases_.state.query(kSize);
    const auto row = rows.front();
    co_return Size{row[0].i64(), row[1].i64(), row[2].i64()};
}

Task<StateCompactor::Room> StateCompactor::load_room(std::string room_id) {
    Room room;
    for (const auto row : co_await databases_.state.query(kGroupsOfRoom, room_id))
        room.groups.push_back({row[0].i64(), row[1].opt_i64()});
    co_return room;
}

Task<StateCompactor::Report> StateCompactor::run(std::function<void(const Progress&)> told) {
    Report report;
    report.before = co_await size();
    std::vector<std::string> rooms;
    for (const auto row : co_await databases_.state.query(kRooms)) rooms.push_back(row[0].str());
    Progress progress;
    progress.rooms = rooms.size();
    for (const auto& room_id : rooms) {
        bool skipped = false;
        progress.groups_rewritten += co_await compact_room(room_id, skipped);
        report.rooms_skipped += skipped ? 1 : 0;
        ++progress.rooms_done;
        if (told) told(progress);
    }
    report.rewritten = progress.groups_rewritten;
    report.collected = co_await collect_unreferenced();
    report.after = co_await size();
    co_return report;
}

Task<std::size_t> StateCompactor::compact_room(std::string room_id, bool& skipped) {
    const auto room = co_await load_room(room_id);
    if (std::any_of(room.groups.begin(), room.groups.end(),
                    [](const auto& group) { return group.prev && *group.prev >= group.id; })) {
        skipped = true;  // a chain could come to lead in a circle
        co_return 0;
    }
    StateGroups states{databases_, 0};
    StateLadder ladder;
    std::vector<LadderStep> steps;
    std::size_t rewritten = 0;
    for (std::size_t from = 0; from < room.groups.size(); from += kGroupsPerTransaction) {
        const auto to = std::min(room.groups.size(), from + kGroupsPerTransaction);
        std::vector<std::int64_t> differences;
        for (auto i = from; i < to; ++i) {
            if (room.groups[i].prev) differences.push_back(room.groups[i].id);
        }
        std::unordered_map<std::int64_t, Changes> own_rows;
        for (const auto row : co_await databases_.state.query(kOwnRows, differences)) {
            own_rows[row[0].i64()].emplace(proto::StateKey{row[1].view(), row[2].view()},
                                           proto::EventId::trusted(row[3].str()));
        }
        steps.clear();
        for (auto i = from; i < to; ++i) {
            const auto& group = room.groups[i];
            if (i == 0) {
                ladder.begin(group.id);
                continue;
            }
            const auto before = room.groups[i - 1].id;
            std::optional<Changes> changes;
            if (group.prev == before) {
                changes = std::move(own_rows[group.id]);
            } else {
                const auto pair = co_await states.difference({before, group.id});
                changes = changes_between(pair[0], pair[1]);
            }
            if (!changes) {
                ladder.begin(group.id);  // stays as it is
                continue;
            }
            auto step = ladder.add(group.id, std::move(*changes));
            if (group.prev != step.prev_group) steps.push_back(std::move(step));
        }
        if (steps.empty()) continue;
        co_await databases_.state.run("compact_state_groups", [&](Transaction& txn) {
            if (!txn.exec(kTryLock, kAdvisoryLock).front()[0].boolean())
                throw StoreError{"another process is compacting state groups"};
            std::vector<std::int64_t> ids, prevs, row_groups;
            std::vector<std::string> types, keys, events;
            for (const auto& step : steps) {
                ids.push_back(step.group);
                prevs.push_back(step.prev_group);
                for (const auto& [key, event_id] : step.rows) {
                    row_groups.push_back(step.group);
                    types.push_back(key.type());
                    keys.push_back(key.state_key());
                    events.push_back(event_id.str());
                }
            }
            txn.exec(kDelete, ids);
            txn.exec(kInsert, room_id, ids, prevs, row_groups, types, keys, events);
        });
        rewritten += steps.size();
    }
    co_return rewritten;
}

Task<std::size_t> StateCompactor::collect_unreferenced() {
    const auto newest = co_await databases_.state.query(kNewest);
    const auto upto = newest.front()[0].i64() - options_.newest_kept;
    std::size_t collected = 0;
    // From the newest to the oldest: a group may stand only because of one that goes.
    for (auto to = upto; to > 0; to -= kGroupsPerScan) {
        for (bool again = true; again;) {
            std::vector<std::int64_t> candidates;
            for (const auto row :
                 co_await databases_.state.query(kTops, std::max<std::int64_t>(0, to - kGroupsPerScan), to)) {
                candidates.push_back(row[0].i64());
            }
            again = false;
            if (candidates.empty()) break;
            std::unordered_set<std::int64_t> referenced;
            for (const auto row : co_await databases_.main.query(kReferenced, candidates))
                referenced.insert(row[0].i64());
            std::erase_if(candidates, [&](std::int64_t id) { return referenced.contains(id); });
            if (candidates.empty()) break;
            const auto gone = co_await databases_.state.query(kCollect, candidates);
            collected += static_cast<std::size_t>(gone.front()[0].i64());
            again = gone.front()[0].i64() > 0;
        }
    }
    if (collected > 0)
        core::log_info("storage.state", "{} state groups that nothing refers to deleted", collected);
    co_return collected;
}

}  // namespace weft::storage
