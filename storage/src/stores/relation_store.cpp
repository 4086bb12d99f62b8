#include "weft/storage/relation_store.hpp"

#include <unordered_set>

#include "weft/proto/replication/rows.hpp"

namespace weft::storage {
namespace {

constexpr std::size_t kCacheEntries = 50'000;

/// Edits that a server has to look at to find a valid one: all but broken clients send only such.
#define WEFT_EDITS_MAX "5"
/// References that are listed; clients page through more.
#define WEFT_REFERENCES_MAX "100"

// Kind, event, sender, how many, topological and stream ordering. Only what is in the same room counts.
constexpr Sql kRelations{"event_relations_of", R"sql(
    WITH children AS (
        SELECT r.relates_to_id AS parent, r.relation_type AS kind, e.event_id, e.sender, e.origin_server_ts, e.room_id,
               e.topological_ordering AS topological, e.stream_ordering AS stream
        FROM event_relations AS r
        JOIN events AS e ON e.event_id = r.event_id
        JOIN events AS p ON p.event_id = r.relates_to_id AND p.room_id = e.room_id
        WHERE r.relates_to_id = ANY ($1::text[]) AND r.relation_type IN ('m.replace', 'm.thread', 'm.reference')
          AND (r.relation_type <> 'm.replace' OR (e.sender = p.sender AND e.type = p.type)) AND NOT e.outlier
          AND NOT EXISTS (SELECT 1 FROM redactions AS d WHERE d.redacts = e.event_id)
          AND NOT EXISTS (SELECT 1 FROM rejections AS j WHERE j.event_id = e.event_id)
    )
    SELECT parent, room_id, 'edit' AS kind, event_id, sender, 0::bigint AS events, place AS topological, 0::bigint AS stream
    FROM (
        SELECT *, row_number() OVER (PARTITION BY parent ORDER BY origin_server_ts DESC, event_id DESC) AS place
        FROM children WHERE kind = 'm.replace'
    ) AS edits WHERE place <= )sql" WEFT_EDITS_MAX R"sql(
    UNION ALL
    SELECT * FROM (
        SELECT DISTINCT ON (parent, sender) parent, room_id, 'thread', event_id, sender,
               count(*) OVER (PARTITION BY parent, sender), topological, stream
        FROM children WHERE kind = 'm.thread' ORDER BY parent, sender, topological DESC, stream DESC
    ) AS threads
    UNION ALL
    SELECT parent, room_id, 'reference', event_id, sender, 0, topological, stream FROM (
        SELECT *, row_number() OVER (PARTITION BY parent ORDER BY topological, stream) AS place
        FROM children WHERE kind = 'm.reference'
    ) AS refs WHERE place <= )sql" WEFT_REFERENCES_MAX R"sql(
    ORDER BY parent, kind, topological, stream)sql"};

#undef WEFT_EDITS_MAX
#undef WEFT_REFERENCES_MAX

// $5 and $6: stream and topological part of `from`, $7 and $8: of `to`.
#define WEFT_PAGE(after_from, until_to, order)                                                             \
    "WITH RECURSIVE related(event_id, relation_type, depth) AS ("                                          \
    "SELECT event_id, relation_type, 1 FROM event_relations WHERE relates_to_id = $2 "                     \
    "UNION ALL SELECT r.event_id, r.relation_type, depth + 1 FROM related JOIN event_relations AS r "      \
    "ON r.relates_to_id = related.event_id WHERE depth < $10::int) "                                       \
    "SELECT e.event_id, e.topological_ordering, e.stream_ordering FROM related JOIN events AS e USING "    \
    "(event_id) "                                                                                          \
    "WHERE e.room_id = $1 AND ($3::text IS NULL OR relation_type = $3) AND ($4::text IS NULL OR e.type = " \
    "$4) "                                                                                                 \
    "AND NOT e.outlier AND NOT EXISTS (SELECT 1 FROM redactions AS d WHERE d.redacts = e.event_id) "       \
    "AND NOT EXISTS (SELECT 1 FROM rejections AS j WHERE j.event_id = e.event_id) "                        \
    "AND ($5::bigint IS NULL OR CASE WHEN $6::bigint IS NULL THEN e.stream_ordering " after_from           \
    " $5 ELSE (e.topological_ordering, e.stream_ordering::bigint) " after_from                             \
    " ($6, $5) END) "                                                                                      \
    "AND ($7::bigint IS NULL OR CASE WHEN $8::bigint IS NULL THEN e.stream_ordering " until_to             \
    " $7 ELSE (e.topological_ordering, e.stream_ordering::bigint) " until_to                               \
    " ($8, $7) END) "                                                                                      \
    "ORDER BY e.topological_ordering " order ", e.stream_ordering " order " LIMIT $9"
constexpr Sql kPageBack{"relations_back", WEFT_PAGE("<=", ">", "DESC")};
constexpr Sql kPageForth{"relations_forth", WEFT_PAGE(">", "<=", "ASC")};
#undef WEFT_PAGE

constexpr Sql kThreads{"threads_of_room", R"sql(
    SELECT t.thread_id, t.topological_ordering, t.stream_ordering FROM threads AS t
    WHERE t.room_id = $1 AND ($2::bigint IS NULL OR (t.topological_ordering, t.stream_ordering) < ($2, $3::bigint))
      AND EXISTS (
          SELECT 1 FROM event_relations AS r WHERE r.relates_to_id = t.thread_id AND r.relation_type = 'm.thread'
          AND NOT EXISTS (SELECT 1 FROM redactions AS d WHERE d.redacts = r.event_id))
      AND ($4::text IS NULL
           OR EXISTS (SELECT 1 FROM events AS root WHERE root.event_id = t.thread_id AND root.sender = $4)
           OR EXISTS (
               SELECT 1 FROM event_relations AS r JOIN events AS e ON e.event_id = r.event_id
               WHERE r.relates_to_id = t.thread_id AND r.relation_type = 'm.thread' AND e.sender = $4
               AND NOT EXISTS (SELECT 1 FROM redactions AS d WHERE d.redacts = r.event_id)))
    ORDER BY t.topological_ordering DESC, t.stream_ordering DESC LIMIT $5)sql"};

void add_row(EventRelations& out, const Rows::Row& row) {
    const auto kind = row[2].view();
    auto event_id = proto::EventId::trusted(row[3].str());
    if (kind == "edit") {
        out.edits.push_back(std::move(event_id));
    } else if (kind == "thread") {
        out.thread.push_back(
            ThreadPart{row[4].str(), row[5].i64(), std::move(event_id), {row[6].i64(), row[7].i64()}});
    } else {
        out.references.push_back(EventReference{std::move(event_id), row[4].str()});
    }
}

/// Where writers differ the wider bound is taken: rather an event too many than one too few.
std::optional<std::int64_t> upper_stream_of(const std::optional<RoomToken>& token) {
    return token ? std::optional{token->stream.max()} : std::nullopt;
}

std::optional<std::int64_t> lower_stream_of(const std::optional<RoomToken>& token) {
    return token ? std::optional{token->stream.min()} : std::nullopt;
}

std::optional<std::int64_t> topological_of(const std::optional<RoomToken>& token) {
    return token ? token->topological : std::nullopt;
}

}  // namespace

RelationStore::RelationStore(StoreContext context, StreamState& events)
    : context_{std::move(context)},
      cache_{"event_relations", context_.scaled(kCacheEntries), context_.executor},
      parents_{0},
      redactions_{0} {
    events.on_invalidate([this](std::int64_t, const StreamRows& rows) { on_rows(rows); });
}

/// Tokens of several writers come in no order, so what is cached is compared by the order in which rows came
/// here.
void RelationStore::on_rows(const StreamRows& rows) {
    ++rows_seen_;
    for (const auto& json : rows) {
        const auto row = proto::replication::parse_events_row(json);
        const auto* event = row ? std::get_if<proto::replication::EventsEventRow>(&*row) : nullptr;
        if (!event) continue;
        if (event->relates_to) {
            parents_.entity_changed(*event->relates_to, rows_seen_);
            cache_.invalidate(*event->relates_to);
        }
        if (event->redacts) redactions_.entity_changed(event->room_id, rows_seen_);
        // Nothing can relate to an event before it is there, unless it came to us in the wrong order.
        if (!parents_.last_change(event->event_id) && !cache_.get_if_present(event->event_id)) {
            cache_.put(event->event_id, Cached{{}, {}, rows_seen_});
        }
    }
}

/// What a redaction took away is not known by its row: where the room had one since, what was summed up is
/// stale.
std::shared_ptr<const RelationStore::Cached> RelationStore::cached(const std::string& event_id) {
    auto hit = cache_.get_if_present(event_id);
    if (hit && !hit->room_id.empty() && redactions_.has_changed(hit->room_id, hit->loaded_at)) return nullptr;
    return hit;
}

Task<std::unordered_map<proto::EventId, EventRelationsPtr>> RelationStore::of_events(
    std::vector<proto::EventId> ids) {
    std::unordered_map<proto::EventId, EventRelationsPtr> out;
    std::vector<std::string> missing;
    std::unordered_set<std::string_view> asked;
    for (const auto& id : ids) {
        if (!asked.insert(id.str()).second) continue;
        const auto hit = cached(id.str());
        if (!hit) {
            missing.push_back(id.str());
        } else if (!hit->relations.empty()) {
            out.emplace(id, EventRelationsPtr{hit, &hit->relations});
        }
    }
    if (missing.empty()) co_return out;

    const auto before = rows_seen_;
    std::unordered_map<std::string, Cached> loaded;
    for (const auto row : co_await context_.db.query(kRelations, missing)) {
        auto& entry = loaded[row[0].str()];
        entry.room_id = row[1].str();
        add_row(entry.relations, row);
    }
    for (const auto& id : missing) {
        auto& found = loaded[id];
        found.loaded_at = before;
        const auto entry = std::make_shared<const Cached>(std::move(found));
        if (!parents_.has_changed(id, before)) cache_.put(id, entry);
        if (!entry->relations.empty()) {
            out.emplace(proto::EventId::trusted(id), EventRelationsPtr{entry, &entry->relations});
        }
    }
    co_return out;
}

Task<TimelinePage> RelationStore::page(RelationQuery query) {
    const bool back = query.direction == Direction::kBackward;
    const auto rows = co_await context_.db.query(
        back ? kPageBack : kPageForth, query.room_id.str(), query.event_id.str(), query.rel_type,
        query.event_type, back ? upper_stream_of(query.from) : lower_stream_of(query.from),
        topological_of(query.from), back ? lower_stream_of(query.to) : upper_stream_of(query.to),
        topological_of(query.to), query.limit + 1, query.depth);
    TimelinePage page;
    page.next = query.from.value_or(RoomToken{});
    for (const auto row : rows) {
        if (page.events.size() == query.limit) {
            page.more = true;
            break;
        }
        page.events.push_back(proto::EventId::trusted(row[0].str()));
        page.next = RoomToken{row[1].i64(), back ? row[2].i64() - 1 : row[2].i64()};
    }
    co_return page;
}

Task<TimelinePage> RelationStore::threads(ThreadQuery query) {
    const auto rows =
        co_await context_.db.query(kThreads, query.room_id.str(), topological_of(query.from),
                                   upper_stream_of(query.from), query.participant, query.limit + 1);
    TimelinePage page;
    for (const auto row : rows) {
        if (page.events.size() == query.limit) {
            page.more = true;
            break;
        }
        page.events.push_back(proto::EventId::trusted(row[0].str()));
        page.next = RoomToken{row[1].i64(), row[2].i64()};
    }
    co_return page;
}

}  // namespace weft::storage
