#include "weft/storage/persist_events_store.hpp"

#include <charconv>

#include "events/room_stats.hpp"
#include "events/search_text.hpp"
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

// All that every event leaves behind, in one statement: without state this is the whole transaction, one round trip and
// one commit. It fails if the lease it was made under was replaced: whoever replaces one waits for those who hold the table
// (an update of no row does), and PostgreSQL takes that lock before it decides what the statement sees. A transaction ID that
// was used before violates the unique index and so undoes everything.
constexpr Sql kPersistEvents{
    "persist_events",
    "WITH input AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::boolean[], "
    "$8::boolean[], $9::text[], $10::text[], $11::bigint[]) AS t(stream, depth, event_id, type, sender, ts, contains_url, outlier, "
    "json, metadata, state_group)), "
    "hold AS (UPDATE event_writers SET lease = lease WHERE false), "
    "stored AS (INSERT INTO events (stream_ordering, topological_ordering, depth, event_id, room_id, type, processed, outlier, "
    "origin_server_ts, received_ts, sender, contains_url, writer_tag) "
    "SELECT stream::int, depth, depth, event_id, $12, type, true, outlier, ts, $13::bigint, sender, contains_url, "
    "COALESCE((SELECT w.tag FROM event_writers w WHERE w.lease = $40::bigint), weft_event_lease_lost()) FROM input), "
    "bodies AS (INSERT INTO event_json (event_id, room_id, internal_metadata, json, format_version) "
    "SELECT event_id, $12, metadata, json, $14::int FROM input), "
    "groups AS (INSERT INTO event_to_state_groups (event_id, state_group) SELECT event_id, state_group FROM input WHERE state_group > 0), "
    "edges AS (INSERT INTO event_edges (event_id, prev_event_id, room_id, is_state) SELECT e, p, $12, false "
    "FROM unnest($15::text[], $16::text[]) AS t(e, p)), "
    "old_leaves AS (DELETE FROM event_forward_extremities WHERE room_id = $12 AND NOT (event_id = ANY($17::text[]))), "
    "new_leaves AS (INSERT INTO event_forward_extremities (event_id, room_id) SELECT l, $12 FROM unnest($17::text[]) AS l "
    "ON CONFLICT DO NOTHING), "
    "leaves_at AS (INSERT INTO stream_ordering_to_exterm (stream_ordering, room_id, event_id) "
    "SELECT $18::bigint, $12, l FROM unnest($17::text[]) AS l), "
    "actions AS (INSERT INTO event_push_actions (room_id, event_id, user_id, actions, topological_ordering, stream_ordering, notif, "
    "highlight, thread_id) SELECT $12, i.event_id, a.user_id, a.actions, i.depth, i.stream, a.notif, a.highlight, a.thread "
    "FROM unnest($19::text[], $20::text[], $21::text[], $22::bigint[], $23::bigint[], $37::text[]) "
    "AS a(event_id, user_id, actions, notif, highlight, thread) "
    "JOIN input i ON i.event_id = a.event_id), "
    "relations AS (INSERT INTO event_relations (event_id, relates_to_id, relation_type, aggregation_key) "
    "SELECT * FROM unnest($24::text[], $25::text[], $26::text[], $27::text[])), "
    "in_threads AS (INSERT INTO threads (room_id, thread_id, latest_event_id, topological_ordering, stream_ordering) "
    "SELECT DISTINCT ON (thread) $12, t.thread, i.event_id, i.depth, i.stream FROM unnest($38::text[], $39::text[]) AS t(event_id, thread) "
    "JOIN input i ON i.event_id = t.event_id AND NOT i.outlier ORDER BY thread, i.depth DESC, i.stream DESC "
    "ON CONFLICT (room_id, thread_id) DO UPDATE SET latest_event_id = excluded.latest_event_id, "
    "topological_ordering = excluded.topological_ordering, stream_ordering = excluded.stream_ordering "
    "WHERE (threads.topological_ordering, threads.stream_ordering) < (excluded.topological_ordering, excluded.stream_ordering)), "
    "redacted AS (INSERT INTO redactions (event_id, redacts, have_censored, received_ts) "
    "SELECT e, r, false, $13::bigint FROM unnest($28::text[], $29::text[]) AS t(e, r)), "
    // Of a redacted event nothing is left that could relate it to another or that a search could find.
    "redacted_relations AS (DELETE FROM event_relations r USING events e WHERE r.event_id = ANY($29::text[]) "
    "AND e.event_id = r.event_id AND e.room_id = $12), "
    "redacted_text AS (DELETE FROM event_search WHERE event_id = ANY($29::text[]) AND room_id = $12), "
    "searchable AS (INSERT INTO event_search (event_id, room_id, sender, key, vector, origin_server_ts, stream_ordering) "
    "SELECT i.event_id, $12, i.sender, s.key, to_tsvector('english', s.body), i.ts, i.stream "
    "FROM unnest($34::text[], $35::text[], $36::text[]) AS s(event_id, key, body) JOIN input i ON i.event_id = s.event_id) "
    "INSERT INTO event_txn_id (event_id, room_id, user_id, device_id, txn_id, inserted_ts) "
    "SELECT e, $12, u, d, x, $13::bigint FROM unnest($30::text[], $31::text[], $32::text[], $33::text[]) AS t(e, u, d, x)"};

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
constexpr Sql kIsStored{"event_is_stored", "SELECT 1 FROM events WHERE event_id = $1"};
constexpr Sql kNextStateGroups{"next_state_groups", "SELECT nextval('state_group_id_seq') FROM generate_series(1, $1::int)"};

using Texts = std::vector<std::string>;
using OptionalTexts = std::vector<std::optional<std::string>>;
using Numbers = std::vector<std::int64_t>;

/// `format_version` of event_json.
int format_version(const proto::RoomVersion& version) {
    switch (version.event_format) {
        case proto::EventFormat::kV1: return 1;
        case proto::EventFormat::kV3: return 2;
        case proto::EventFormat::kV4: return 3;
    }
    return 3;
}

/// Content goes into its own column as JSON, whatever it holds. What is copied out of it must do without U+0000, which
/// PostgreSQL does not store: one such event would fail the whole batch.
std::string column_text(std::string_view text) {
    std::string out{text};
    std::erase(out, '\0');
    return out;
}

/// What may stand in the index over relations: an event ID has 255 bytes at most, and no type or key in use comes near
/// these. A row that an index cannot hold would fail the whole batch too; such a relation is in the event alone.
bool is_indexable(const proto::Relation& relation) {
    constexpr std::size_t kNameBytesMax = 255;
    constexpr std::size_t kKeyBytesMax = 1024;
    return !relation.rel_type.empty() && relation.rel_type.size() <= kNameBytesMax && !relation.event_id.empty() &&
           relation.event_id.size() <= kNameBytesMax && (!relation.key || relation.key->size() <= kKeyBytesMax);
}

std::vector<Param> persist_params(const PersistBatch& batch, const std::vector<proto::EventPtr>& events, std::int64_t now_ms) {
    Numbers streams, depths, timestamps, groups;
    Texts ids, types, senders, bodies, metadata;
    std::vector<bool> urls, outliers;
    Texts edge_events, edge_prevs, leaves;
    Texts action_events, action_users, actions;
    Numbers notifs, highlights;
    OptionalTexts action_threads;
    Texts threaded_events, threads;
    Texts relation_events, relation_targets, relation_types;
    OptionalTexts relation_keys;
    Texts redaction_events, redaction_targets;
    Texts txn_events, txn_users, txn_devices, txn_ids;
    Texts search_events, search_keys, search_texts;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto& event = *events[i];
        const auto& item = batch.events[i];
        const auto& id = event.event_id().str();
        streams.push_back(event.stream_ordering());
        depths.push_back(event.depth());
        timestamps.push_back(event.origin_server_ts());
        groups.push_back(item.state_group);
        ids.push_back(id);
        types.push_back(event.type());
        senders.push_back(event.sender().str());
        bodies.push_back(event.pdu_json());
        metadata.push_back(proto::to_json(event.metadata().to_json()));
        urls.push_back(event.contains_url());
        outliers.push_back(event.outlier());
        if (event.rejected()) continue;  // nothing else is known of it
        for (const auto& prev : event.prev_events()) {
            edge_events.push_back(id);
            edge_prevs.push_back(prev.str());
        }
        const auto thread = proto::thread_of(event);
        for (const auto& action : item.push_actions) {
            action_events.push_back(id);
            action_threads.push_back(thread);
            action_users.push_back(action.user_id);
            actions.push_back(action.actions);
            notifs.push_back(action.notify ? 1 : 0);
            highlights.push_back(action.highlight ? 1 : 0);
        }
        if (const auto relation = proto::relation_of(event); relation && is_indexable(*relation)) {
            relation_events.push_back(id);
            relation_targets.push_back(column_text(relation->event_id));
            relation_types.push_back(column_text(relation->rel_type));
            relation_keys.push_back(relation->key ? std::optional{column_text(*relation->key)} : std::nullopt);
            if (thread) {
                threaded_events.push_back(id);
                threads.push_back(*thread);
            }
        }
        if (event.redacts()) {
            redaction_events.push_back(id);
            redaction_targets.push_back(event.redacts()->str());
        }
        if (const auto searchable = search_text_of(event)) {
            search_events.push_back(id);
            search_keys.push_back(searchable->key);
            search_texts.push_back(column_text(searchable->text));
        }
        if (item.txn_id) {
            txn_events.push_back(id);
            txn_users.push_back(event.sender().str());
            txn_devices.push_back(item.device_id);
            txn_ids.push_back(*item.txn_id);
        }
    }
    for (const auto& leaf : batch.forward_extremities) leaves.push_back(leaf.str());
    return {streams,          depths,        ids,           types,          senders,
            timestamps,       urls,          outliers,      bodies,         metadata,
            groups,           batch.room_id.str(),          now_ms,         format_version(*batch.version),
            edge_events,      edge_prevs,    leaves,        streams.back(), action_events,
            action_users,     actions,       notifs,        highlights,     relation_events,
            relation_targets, relation_types, relation_keys, redaction_events, redaction_targets,
            txn_events,       txn_users,     txn_devices,   txn_ids,        search_events,
            search_keys,      search_texts,  action_threads, threaded_events, threads, batch.lease};
}

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
            types.push_back(key.type);
            keys.push_back(key.state_key);
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
            types.push_back(change.key.type);
            keys.push_back(change.key.state_key);
            events.push_back(change.event_id ? std::optional{change.event_id->str()} : std::nullopt);
            prev_events.push_back(change.prev_event_id ? std::optional{change.prev_event_id->str()} : std::nullopt);
            const bool is_member = change.key.type == proto::event_type::kMember;
            if (is_member) members.push_back(change.key.state_key);
            if (!change.event_id) continue;
            new_events.push_back(change.event_id->str());
            new_types.push_back(change.key.type);
            new_keys.push_back(change.key.state_key);
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
            const proto::replication::EventsStateRow state{batch.room_id.str(), change.key.type, change.key.state_key,
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
    auto params = persist_params(batch, events, clock_.now_ms());
    const bool has_state = batch.new_room || !batch.state_groups.empty() || !batch.state_delta.empty() || !batch.local_memberships.empty() ||
                           std::any_of(events.begin(), events.end(), [](const auto& event) { return event->is_state(); });
    const bool has_uncommon = has_uncommon_events(batch, events);
    if (!has_state && !has_uncommon) {
        co_await db_.query_params(kPersistEvents, std::move(params));
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
        txn.exec_params(kPersistEvents, params);
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
