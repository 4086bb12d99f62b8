#include "events/persist_statement.hpp"

#include <algorithm>

#include "events/search_text.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::storage {
namespace {

// All that every event leaves behind, in one statement: without state this is the whole transaction, one
// round trip and one commit. It fails if the lease it was made under was replaced: whoever replaces one waits
// for those who hold the table (an update of no row does), and PostgreSQL takes that lock before it decides
// what the statement sees. A transaction ID that was used before violates the unique index and so undoes
// everything. What was newest goes by its ID, as the predecessor of what is. By the room's ID one would meet
// every event that was the newest since the last vacuum, and so it is written in a way that no index answers;
// and it is one ID, not an array of nobody knows how many, so that PostgreSQL has no reason to plan the
// statement anew each time. Push actions and texts name their event by its number in the batch, from 1: there
// may be thousands.
#define WEFT_PERSIST_EVENTS                                                                                  \
    "WITH input AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], "   \
    "$6::bigint[], $7::boolean[], "                                                                          \
    "$8::boolean[], $9::text[], $10::text[], $11::bigint[]) AS t(stream, depth, event_id, type, sender, "    \
    "ts, contains_url, outlier, "                                                                            \
    "json, metadata, state_group)), "                                                                        \
    "hold AS (UPDATE event_writers SET lease = lease WHERE false), "                                         \
    "stored AS (INSERT INTO events (stream_ordering, topological_ordering, depth, event_id, room_id, type, " \
    "processed, outlier, "                                                                                   \
    "origin_server_ts, received_ts, sender, contains_url, writer_tag) "                                      \
    "SELECT stream::int, depth, depth, event_id, $12, type, true, outlier, ts, $13::bigint, sender, "        \
    "contains_url, "                                                                                         \
    "COALESCE((SELECT w.tag FROM event_writers w WHERE w.lease = $15::bigint), weft_event_lease_lost()) "    \
    "FROM input), "                                                                                          \
    "bodies AS (INSERT INTO event_json (event_id, room_id, internal_metadata, json, format_version) "        \
    "SELECT event_id, $12, metadata, json, $14::int FROM input), "                                           \
    "groups AS (INSERT INTO event_to_state_groups (event_id, state_group) SELECT event_id, state_group "     \
    "FROM input "                                                                                            \
    "WHERE state_group > 0), "                                                                               \
    "edges AS (INSERT INTO event_edges (event_id, prev_event_id, room_id, is_state) SELECT e, p, $12, "      \
    "false "                                                                                                 \
    "FROM unnest($16::text[], $17::text[]) AS t(e, p)), "                                                    \
    "old_leaves AS (DELETE FROM event_forward_extremities WHERE event_id = $33 AND room_id || '' = $12), "   \
    "new_leaves AS (INSERT INTO event_forward_extremities (event_id, room_id) SELECT l, $12 FROM "           \
    "unnest($18::text[]) AS l "                                                                              \
    "ON CONFLICT DO NOTHING), "                                                                              \
    "leaves_at AS (INSERT INTO stream_ordering_to_exterm (stream_ordering, room_id, event_id) "              \
    "SELECT $19::bigint, $12, l FROM unnest($18::text[]) AS l), "                                            \
    "actions AS (INSERT INTO event_push_actions (room_id, event_id, user_id, actions, "                      \
    "topological_ordering, stream_ordering, notif, "                                                         \
    "highlight, thread_id) SELECT $12, ($3::text[])[a.n], a.user_id, a.actions, ($2::bigint[])[a.n], "       \
    "($1::bigint[])[a.n], a.notif, a.highlight, a.thread "                                                   \
    "FROM unnest($20::int[], $21::text[], $22::text[], $23::bigint[], $24::bigint[], $25::text[]) "          \
    "AS a(n, user_id, actions, notif, highlight, thread)), "                                                 \
    "searchable AS (INSERT INTO event_search (event_id, room_id, sender, key, vector, origin_server_ts, "    \
    "stream_ordering) "                                                                                      \
    "SELECT ($3::text[])[s.n], $12, ($5::text[])[s.n], s.key, to_tsvector('english', s.body), "              \
    "($6::bigint[])[s.n], ($1::bigint[])[s.n] "                                                              \
    "FROM unnest($26::int[], $27::text[], $28::text[]) AS s(n, key, body)), "
// What few events have, among it several predecessors; of a redacted event nothing is left that could relate
// it to another or that a search could find. Each part that a statement does not have is tables that
// PostgreSQL need not open.
#define WEFT_PERSIST_RELATED                                                                               \
    "relations AS (INSERT INTO event_relations (event_id, relates_to_id, relation_type, aggregation_key) " \
    "SELECT * FROM unnest($34::text[], $35::text[], $36::text[], $37::text[])), "                          \
    "in_threads AS (INSERT INTO threads (room_id, thread_id, latest_event_id, topological_ordering, "      \
    "stream_ordering) "                                                                                    \
    "SELECT DISTINCT ON (thread) $12, t.thread, i.event_id, i.depth, i.stream FROM unnest($38::text[], "   \
    "$39::text[]) AS t(event_id, thread) "                                                                 \
    "JOIN input i ON i.event_id = t.event_id AND NOT i.outlier ORDER BY thread, i.depth DESC, i.stream "   \
    "DESC "                                                                                                \
    "ON CONFLICT (room_id, thread_id) DO UPDATE SET latest_event_id = excluded.latest_event_id, "          \
    "topological_ordering = excluded.topological_ordering, stream_ordering = excluded.stream_ordering "    \
    "WHERE (threads.topological_ordering, threads.stream_ordering) < (excluded.topological_ordering, "     \
    "excluded.stream_ordering)), "                                                                         \
    "redacted AS (INSERT INTO redactions (event_id, redacts, have_censored, received_ts) "                 \
    "SELECT e, r, false, $13::bigint FROM unnest($40::text[], $41::text[]) AS t(e, r)), "                  \
    "redacted_relations AS (DELETE FROM event_relations r USING events e WHERE r.event_id = "              \
    "ANY($41::text[]) "                                                                                    \
    "AND e.event_id = r.event_id AND e.room_id = $12), "                                                   \
    "redacted_text AS (DELETE FROM event_search WHERE event_id = ANY($41::text[]) AND room_id = $12), "    \
    "more_old_leaves AS (DELETE FROM event_forward_extremities WHERE event_id = ANY($42::text[]) AND "     \
    "room_id || '' = $12), "
#define WEFT_PERSIST_TRANSACTION_IDS                                                                       \
    "transaction_ids AS (INSERT INTO event_txn_id (event_id, room_id, user_id, device_id, txn_id, "        \
    "inserted_ts) "                                                                                        \
    "SELECT e, $12, u, d, x, $13::bigint FROM unnest($29::text[], $30::text[], $31::text[], $32::text[]) " \
    "AS t(e, u, d, x)) SELECT"

constexpr Sql kPersistEvents{"persist_events", WEFT_PERSIST_EVENTS WEFT_PERSIST_TRANSACTION_IDS};
/// Its parameters begin with those of kPersistEvents.
constexpr Sql kPersistRelatedEvents{"persist_related_events",
                                    WEFT_PERSIST_EVENTS WEFT_PERSIST_RELATED WEFT_PERSIST_TRANSACTION_IDS};
#undef WEFT_PERSIST_EVENTS
#undef WEFT_PERSIST_RELATED
#undef WEFT_PERSIST_TRANSACTION_IDS

using Texts = std::vector<std::string>;
using OptionalTexts = std::vector<std::optional<std::string>>;
using Numbers = std::vector<std::int64_t>;

/// `format_version` of event_json.
int format_version(const proto::RoomVersion& version) {
    switch (version.event_format) {
        case proto::EventFormat::kV1:
            return 1;
        case proto::EventFormat::kV3:
            return 2;
        case proto::EventFormat::kV4:
            return 3;
    }
    return 3;
}

/// What may stand in the index over relations: an event ID has 255 bytes at most, and no type or key in use
/// comes near these. A row that an index cannot hold would fail the whole batch too; such a relation is in
/// the event alone.
bool is_indexable(const proto::Relation& relation) {
    constexpr std::size_t kNameBytesMax = 255;
    constexpr std::size_t kKeyBytesMax = 1024;
    return !relation.rel_type.empty() && relation.rel_type.size() <= kNameBytesMax &&
           !relation.event_id.empty() && relation.event_id.size() <= kNameBytesMax &&
           (!relation.key || relation.key->size() <= kKeyBytesMax);
}

/// The predecessors, each once, that neither stay the room's newest events nor come with the batch.
Texts superseded(const Texts& predecessors, const Texts& leaves, const Texts& batch) {
    Texts out;
    for (const auto& id : predecessors) {
        const auto is_in = [&id](const Texts& ids) {
            return std::find(ids.begin(), ids.end(), id) != ids.end();
        };
        if (!is_in(leaves) && !is_in(batch) && !is_in(out)) out.push_back(id);
    }
    return out;
}

std::optional<std::string> take_first(Texts& ids) {
    if (ids.empty()) return std::nullopt;
    auto first = std::move(ids.front());
    ids.erase(ids.begin());
    return first;
}

}  // namespace

std::string column_text(std::string_view text) {
    std::string out{text};
    std::erase(out, '\0');
    return out;
}

PersistStatement persist_statement(const PersistBatch& batch, const std::vector<proto::EventPtr>& events,
                                   std::int64_t now_ms) {
    Numbers streams, depths, timestamps, groups;
    Texts ids, types, senders, bodies, metadata;
    std::vector<bool> urls, outliers;
    Texts edge_events, edge_prevs, leaves;
    Texts action_users, actions;
    Numbers action_events, notifs, highlights;
    OptionalTexts action_threads;
    Texts threaded_events, threads;
    Texts relation_events, relation_targets, relation_types;
    OptionalTexts relation_keys;
    Texts redaction_events, redaction_targets;
    Texts txn_events, txn_users, txn_devices, txn_ids;
    Numbers search_events;
    Texts search_keys, search_texts;
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
            action_events.push_back(static_cast<std::int64_t>(i) + 1);
            action_threads.push_back(item.thread_id);
            action_users.push_back(action.user_id);
            actions.push_back(action.actions);
            notifs.push_back(action.notify ? 1 : 0);
            highlights.push_back(action.highlight ? 1 : 0);
        }
        if (const auto relation = proto::relation_of(event); relation && is_indexable(*relation)) {
            relation_events.push_back(id);
            relation_targets.push_back(column_text(relation->event_id));
            relation_types.push_back(column_text(relation->rel_type));
            relation_keys.push_back(relation->key ? std::optional{column_text(*relation->key)}
                                                  : std::nullopt);
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
            search_events.push_back(static_cast<std::int64_t>(i) + 1);
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
    auto old_leaves = superseded(edge_prevs, leaves, ids);
    const auto first_old_leaf = take_first(old_leaves);
    std::vector<Param> params{streams,
                              depths,
                              ids,
                              types,
                              senders,
                              timestamps,
                              urls,
                              outliers,
                              bodies,
                              metadata,
                              groups,
                              batch.room_id.str(),
                              now_ms,
                              format_version(*batch.version),
                              batch.lease,
                              edge_events,
                              edge_prevs,
                              leaves,
                              streams.back(),
                              action_events,
                              action_users,
                              actions,
                              notifs,
                              highlights,
                              action_threads,
                              search_events,
                              search_keys,
                              search_texts,
                              txn_events,
                              txn_users,
                              txn_devices,
                              txn_ids,
                              first_old_leaf};
    if (relation_events.empty() && redaction_events.empty() && old_leaves.empty())
        return {kPersistEvents, std::move(params)};
    params.insert(params.end(), {relation_events, relation_targets, relation_types, relation_keys,
                                 threaded_events, threads, redaction_events, redaction_targets, old_leaves});
    return {kPersistRelatedEvents, std::move(params)};
}

}  // namespace weft::storage
