#include "weft/storage/persist_events_store.hpp"

#include <charconv>

#include "events/persist_statement.hpp"
#include "events/room_stats.hpp"
#include "events/uncommon_events.hpp"
#include "state/auth_chain_index.hpp"
#include "weft/core/async.hpp"
#include "weft/core/crash_point.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::storage {
namespace {

constexpr std::size_t kStateGroupBlock = 50;
/// How long a commit in doubt is followed up: a database that is restarted is back by then.
constexpr int kAttemptsMax = 60;
constexpr core::Milliseconds kAttemptPause{500};
/// Members named in one cs_cache_fake row, so that it stays below the length of a replication line.
constexpr std::size_t kMembersPerCacheRow = 50;

constexpr Sql kInsertRoom{"insert_room",
                          "INSERT INTO rooms (room_id, is_public, creator, room_version) VALUES ($1, false, $2, $3) "
                          "ON CONFLICT (room_id) DO UPDATE SET room_version = excluded.room_version"};
constexpr Sql kInsertRoomDepth{"insert_room_depth",
                               "INSERT INTO room_depth (room_id, min_depth) VALUES ($1, $2) ON CONFLICT (room_id) DO UPDATE "
                               "SET min_depth = LEAST(room_depth.min_depth, excluded.min_depth)"};
constexpr Sql kStateGroups{"insert_state_groups",
                           "INSERT INTO state_groups (id, room_id, event_id) SELECT g, $1, e FROM unnest($2::bigint[], $3::text[]) AS t(g, e)"};
constexpr Sql kStateGroupEdges{"insert_state_group_edges",
                               "INSERT INTO state_group_edges (state_group, prev_state_group) SELECT * FROM unnest($1::bigint[], $2::bigint[])"};
constexpr Sql kStateGroupRows{
    "insert_state_group_rows",
    "INSERT INTO state_groups_state (state_group, room_id, type, state_key, event_id) "
    "SELECT g, $1, t, k, e FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) AS r(g, t, k, e)"};
constexpr Sql kStateEvents{"insert_state_events",
                           "INSERT INTO state_events (event_id, room_id, type, state_key) "
                           "SELECT e, $1, t, k FROM unnest($2::text[], $3::text[], $4::text[]) AS r(e, t, k)"};
constexpr Sql kEventAuth{"insert_event_auth",
                         "INSERT INTO event_auth (event_id, auth_id, room_id) SELECT e, a, $1 FROM unnest($2::text[], $3::text[]) AS t(e, a)"};
constexpr Sql kMemberships{
    "insert_room_memberships",
    "INSERT INTO room_memberships (event_id, user_id, sender, room_id, membership, forgotten, display_name, avatar_url) "
    "SELECT e, u, s, $1, m, 0, d, a FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) "
    "AS t(e, u, s, m, d, a)"};
constexpr Sql kStateDelta{
    "insert_state_delta",
    "INSERT INTO current_state_delta_stream (stream_id, room_id, type, state_key, event_id, prev_event_id, writer_tag) "
    "SELECT $1::bigint, $2, t, k, e, p, $7::int FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS r(t, k, e, p)"};
constexpr Sql kDeleteCurrentState{"delete_current_state",
                                  "DELETE FROM current_state_events c USING unnest($2::text[], $3::text[]) AS k(t, s) "
                                  "WHERE c.room_id = $1 AND c.type = k.t AND c.state_key = k.s"};
constexpr Sql kInsertCurrentState{
    "insert_current_state",
    "INSERT INTO current_state_events (event_id, room_id, type, state_key, membership) "
    "SELECT e, $1, t, k, m FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS r(e, t, k, m)"};
constexpr Sql kLocalMemberships{
    "upsert_local_memberships",
    "INSERT INTO local_current_membership (room_id, user_id, event_id, membership) "
    "SELECT $1, u, e, m FROM unnest($2::text[], $3::text[], $4::text[]) AS t(u, e, m) "
    "ON CONFLICT (user_id, room_id) DO UPDATE SET event_id = excluded.event_id, membership = excluded.membership"};
constexpr Sql kLockWriters{"lock_event_writers", "LOCK TABLE event_writers IN ROW EXCLUSIVE MODE"};
constexpr Sql kCheckLease{
    "check_event_lease",
    "SELECT COALESCE((SELECT w.tag FROM event_writers w WHERE w.lease = $1::bigint), weft_event_lease_lost())"};
constexpr Sql kRejectInvite{"reject_invite",
                            "UPDATE local_invites SET stream_id = $3, locally_rejected = 'true' "
                            "WHERE room_id = $1 AND invitee = $2 AND locally_rejected IS NULL AND replaced_by IS NULL"};
constexpr Sql kForgetInvite{"forget_rejected_invite",
                            "DELETE FROM local_current_membership WHERE room_id = $1 AND user_id = $2 AND membership = 'invite'"};
constexpr Sql kIsStored{"event_is_stored", "SELECT 1 FROM events WHERE event_id = $1"};
constexpr Sql kNextStateGroups{"next_state_groups", "SELECT nextval('state_group_id_seq') FROM generate_series(1, $1::int)"};

using Texts = std::vector<std::string>;
using OptionalTexts = std::vector<std::optional<std::string>>;
using Numbers = std::vector<std::int64_t>;

void write_state_groups(Transaction& txn, const PersistBatch& batch) {
    if (batch.state_groups.empty()) return;
    Numbers ids, edges_from, edges_to, row_groups;
    Texts events, types, keys, row_events;
    for (const auto& group : batch.state_groups) {
        ids.push_back(group.id);
        events.push_back(group.event_id.str());
        if (group.prev_group) {
            edges_from.push_back(group.id);
            edges_to.push_back(*group.prev_group);
        }
        for (const auto& [key, event_id] : group.rows) {
            row_groups.push_back(group.id);
            types.push_back(key.type());
            keys.push_back(key.state_key());
            row_events.push_back(event_id.str());
        }
    }
    txn.exec(kStateGroups, batch.room_id.str(), ids, events);
    if (!edges_from.empty()) txn.exec(kStateGroupEdges, edges_from, edges_to);
    txn.exec(kStateGroupRows, batch.room_id.str(), row_groups, types, keys, row_events);
}

std::optional<std::string> content_string(const proto::Event& event, std::string_view key) {
    const auto text = proto::get_string(event.content(), key);
    return text ? std::optional{column_text(*text)} : std::nullopt;
}

void write_state_events(Transaction& txn, const PersistBatch& batch, const std::vector<proto::EventPtr>& events) {
    Texts ids, types, keys, auth_events, auth_ids;
    Texts member_events, member_users, member_senders, memberships;
    OptionalTexts names, avatars;
    std::vector<AuthEdges> chained;
    for (const auto& event : events) {
        if (!event->is_state()) continue;
        const auto& id = event->event_id().str();
        const bool is_accepted = !event->rejected();
        auto& edges = chained.emplace_back(AuthEdges{id, event->type(), *event->state_key(), {}});
        for (const auto& auth : event->auth_events()) {
            auth_events.push_back(id);
            auth_ids.push_back(auth.str());
            edges.auth_events.push_back(auth.str());
        }
        if (!is_accepted) continue;
        ids.push_back(id);
        types.push_back(event->type());
        keys.push_back(*event->state_key());
        if (event->type() == proto::event_type::kMember) {
            member_events.push_back(id);
            member_users.push_back(*event->state_key());
            member_senders.push_back(event->sender().str());
            memberships.emplace_back(event->membership().value_or("leave"));
            names.push_back(content_string(*event, "displayname"));
            avatars.push_back(content_string(*event, "avatar_url"));
        }
    }
    if (chained.empty()) return;
    if (!ids.empty()) txn.exec(kStateEvents, batch.room_id.str(), ids, types, keys);
    if (!auth_events.empty()) txn.exec(kEventAuth, batch.room_id.str(), auth_events, auth_ids);
    index_auth_chains(txn, chained);
    if (!member_events.empty()) {
        txn.exec(kMemberships, batch.room_id.str(), member_events, member_users, member_senders, memberships, names, avatars);
    }
}

void write_current_state(Transaction& txn, const PersistBatch& batch, const proto::Event& first, CacheStreamWriter& caches) {
    if (!batch.state_delta.empty()) {
        Texts types, keys, new_events, new_types, new_keys;
        OptionalTexts events, prev_events, memberships;
        std::vector<std::string> members;
        for (const auto& change : batch.state_delta) {
            types.push_back(change.key.type());
            keys.push_back(change.key.state_key());
            events.push_back(change.event_id ? std::optional{change.event_id->str()} : std::nullopt);
            prev_events.push_back(change.prev_event_id ? std::optional{change.prev_event_id->str()} : std::nullopt);
            const bool is_member = change.key.type() == proto::event_type::kMember;
            if (is_member) members.push_back(change.key.state_key());
            if (!change.event_id) continue;
            new_events.push_back(change.event_id->str());
            new_types.push_back(change.key.type());
            new_keys.push_back(change.key.state_key());
            memberships.push_back(is_member ? std::optional{change.membership} : std::nullopt);
        }
        txn.exec(kStateDelta, first.stream_ordering(), batch.room_id.str(), types, keys, events, prev_events,
                 static_cast<std::int64_t>(writer_of(first).value_or(0)));
        txn.exec(kDeleteCurrentState, batch.room_id.str(), types, keys);
        if (!new_events.empty()) txn.exec(kInsertCurrentState, batch.room_id.str(), new_events, new_types, new_keys, memberships);
        // One row for all caches that hang on the room's state, naming the members that changed.
        std::size_t next = 0;
        do {
            std::vector<std::string> row{batch.room_id.str()};
            for (; next < members.size() && row.size() <= kMembersPerCacheRow; ++next) row.push_back(members[next]);
            caches.invalidate(txn, "cs_cache_fake", row);
        } while (next < members.size());
    }
    if (!batch.local_memberships.empty()) {
        Texts users, events, memberships;
        for (const auto& local : batch.local_memberships) {
            users.push_back(local.user_id);
            events.push_back(local.event_id.str());
            memberships.push_back(local.membership);
        }
        txn.exec(kLocalMemberships, batch.room_id.str(), users, events, memberships);
    }
}

bool is_duplicate_transaction(const UniqueViolation& error) { return error.constraint() == "event_txn_id_uniqueness"; }

/// The rows of the events stream for a stored batch: state changes stand at the batch's first token, so that nobody sees an
/// event before the state it changed.
std::vector<std::pair<std::int64_t, boost::json::value>> stream_rows(const PersistBatch& batch, const std::vector<proto::EventPtr>& events) {
    std::vector<std::pair<std::int64_t, boost::json::value>> rows;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto& event = *events[i];
        std::optional<std::string> relates_to;
        if (const auto relation = proto::relation_of(event); relation && !relation->event_id.empty()) relates_to = relation->event_id;
        const proto::replication::EventsEventRow row{event.event_id().str(),
                                                     event.room_id().str(),
                                                     event.type(),
                                                     event.state_key(),
                                                     event.redacts() ? std::optional{event.redacts()->str()} : std::nullopt,
                                                     std::move(relates_to)};
        rows.emplace_back(event.stream_ordering(), row.to_json());
        if (i > 0) continue;
        for (const auto& change : batch.state_delta) {
            const proto::replication::EventsStateRow state{batch.room_id.str(), change.key.type(), change.key.state_key(),
                                                           change.event_id ? std::optional{change.event_id->str()} : std::nullopt};
            rows.emplace_back(event.stream_ordering(), state.to_json());
        }
    }
    return rows;
}

}  // namespace

PersistEventsStore::PersistEventsStore(Databases databases, StreamState& events, CacheStreamWriter& caches, const core::Clock& clock,
                                       EventLease& lease)
    : databases_{databases}, db_{databases.main}, events_{events}, caches_{caches}, clock_{clock}, lease_{lease} {}

Task<PersistEventsStore::Outcome> PersistEventsStore::persist(PersistBatch batch, Committed committed) {
    co_await lease_.prepare_tokens(batch.events.size());
    if (batch.lease != lease_.number() || batch.lease == 0) throw LeaseLost{"the share of rooms changed while a batch was made"};
    auto allocation = events_.allocate(batch.events.size());
    std::vector<proto::EventPtr> events;
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
        auto metadata = batch.events[i].event->metadata();
        metadata.stream_ordering = allocation.ids()[i];
        metadata.instance_name = events_.self();
        events.push_back(batch.events[i].event->with_metadata(std::move(metadata)));
    }
    if (databases_.state_is_apart() && !batch.state_groups.empty()) {
        // First: a group that no event names does no harm, an event without its group would.
        co_await databases_.state.run("persist_state_groups", [&](Transaction& txn) { write_state_groups(txn, batch); });
    }
    core::crash_point("tokens allocated");
    if (!co_await store(batch, events)) co_return DuplicateTransaction{};
    core::crash_point("events committed");
    committed(events);
    events_.publish(std::move(allocation), stream_rows(batch, events));
    core::crash_point("events published");
    co_return Persisted{std::move(events)};
}

/// False if a transaction ID is taken. A commit whose answer was lost is tried until it is known what became of it: as long
/// as it may have happened, nobody's position may pass the tokens it holds, or its events would never be told of.
Task<bool> PersistEventsStore::store(const PersistBatch& batch, const std::vector<proto::EventPtr>& events) {
    bool in_doubt = false;
    for (int attempt = 1;; ++attempt) {
        std::exception_ptr failure;
        bool duplicate = false;
        bool taken = false;
        bool lost = false;
        try {
            co_await write(batch, events);
            co_return true;
        } catch (const UniqueViolation& error) {
            taken = true;
            duplicate = is_duplicate_transaction(error);
            failure = std::current_exception();
        } catch (const LeaseLost&) {
            lost = true;
            failure = std::current_exception();
        } catch (const CommitInDoubt&) {
            in_doubt = true;
            failure = std::current_exception();
        } catch (const StoreError&) {
            failure = std::current_exception();
        }
        // What is in the way of a second try may be the first one. PostgreSQL reports it only when that has ended.
        if ((taken || lost) && in_doubt && co_await is_stored(events.front()->event_id())) co_return true;
        if (duplicate) co_return false;
        if (taken || lost || !in_doubt || attempt == kAttemptsMax) std::rethrow_exception(failure);
        core::log_warning("storage.events", "room {}: it is not known whether a batch was stored; trying again", batch.room_id);
        co_await core::sleep_for(kAttemptPause);
    }
}

Task<void> PersistEventsStore::write(const PersistBatch& batch, const std::vector<proto::EventPtr>& events) {
    auto statement = persist_statement(batch, events, clock_.now_ms());
    const bool has_state = batch.new_room || !batch.state_groups.empty() || !batch.state_delta.empty() || !batch.local_memberships.empty() ||
                           std::any_of(events.begin(), events.end(), [](const auto& event) { return event->is_state(); });
    const bool has_uncommon = has_uncommon_events(batch, events);
    if (!has_state && !has_uncommon) {
        co_await db_.query_params(statement.sql, std::move(statement.params));
        co_return;
    }
    co_await db_.run("persist_events", [&](Transaction& txn) {
        // Before anything that decides what this transaction sees: the lease that it will find is the one that counts.
        txn.exec(kLockWriters);
        if (batch.new_room) {
            txn.exec(kInsertRoom, batch.room_id.str(), batch.creator, std::string{batch.version->id});
            txn.exec(kInsertRoomDepth, batch.room_id.str(), events.front()->depth());
            core::crash_point("room written");
        }
        if (!databases_.state_is_apart()) write_state_groups(txn, batch);
        core::crash_point("state groups written");
        txn.exec_params(statement.sql, statement.params);
        core::crash_point("events written");
        write_state_events(txn, batch, events);
        core::crash_point("state events written");
        if (has_uncommon) write_uncommon_events(txn, batch, events, clock_.now_ms());
        write_current_state(txn, batch, *events.front(), caches_);
        core::crash_point("current state written");
        write_room_stats(txn, batch, events, events.front()->stream_ordering());
    });
}

Task<bool> PersistEventsStore::is_stored(proto::EventId event_id) {
    const auto rows = co_await db_.query(kIsStored, event_id.str());
    co_return !rows.empty();
}

Task<std::int64_t> PersistEventsStore::reject_invite(proto::RoomId room_id, std::string user_id) {
    co_await lease_.prepare_tokens(1);
    const auto lease = lease_.number();
    std::int64_t token = 0;
    {
        const auto allocation = events_.allocate();
        token = allocation.first();
        co_await db_.run("reject_invite", [&](Transaction& txn) {
            txn.exec(kLockWriters);
            txn.exec(kCheckLease, lease);
            txn.exec(kRejectInvite, room_id.str(), user_id, token);
            txn.exec(kForgetInvite, room_id.str(), user_id);
            caches_.invalidate(txn, "get_invited_rooms_for_local_user", {user_id});
        });
    }
    // No row tells of the token: whoever waits for it is told by the position alone, unless more is under way.
    events_.skip_to(token);
    co_return token;
}

Task<std::int64_t> PersistEventsStore::next_state_group_id() {
    if (state_group_ids_.empty()) {
        const auto rows = co_await databases_.state.query(kNextStateGroups, kStateGroupBlock);
        for (const auto row : rows) state_group_ids_.push_back(row[0].i64());
        std::sort(state_group_ids_.rbegin(), state_group_ids_.rend());
    }
    const auto id = state_group_ids_.back();
    state_group_ids_.pop_back();
    co_return id;
}

}  // namespace weft::storage
