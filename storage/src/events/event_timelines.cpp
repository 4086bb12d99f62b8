// Timelines of rooms: what is new since a token, and pages of history.
#include "events/events_store_impl.hpp"

namespace weft::storage {
namespace {

// A position of a stream with several writers, as three parameters: lower bound, tags of those ahead, where they are.
#define WEFT_POSITION(everybody, tags, tokens) \
    "COALESCE((SELECT v.p FROM unnest(" tags "::bigint[], " tokens "::bigint[]) AS v(w, p) WHERE v.w = e.writer_tag), " everybody "::bigint)"
// After the position in $2, $3, $4 and not after the one in $5, $6, $7; $8 is nobody's beyond it, so that an index helps.
#define WEFT_BETWEEN                                                                                    \
    "NOT e.outlier AND e.stream_ordering > $2::bigint AND e.stream_ordering <= $8::bigint "             \
    "AND e.stream_ordering > " WEFT_POSITION("$2", "$3", "$4")                                          \
    " AND e.stream_ordering <= " WEFT_POSITION("$5", "$6", "$7")                                        \
    " AND NOT EXISTS (SELECT 1 FROM rejections r WHERE r.event_id = e.event_id) ORDER BY e.stream_ordering DESC LIMIT $9"
constexpr Sql kRecentEvents{"recent_events", "SELECT e.event_id, e.stream_ordering, e.writer_tag FROM events e "
                                             "WHERE e.room_id = $1 AND " WEFT_BETWEEN};
constexpr Sql kRecentEventsOfRooms{
    "recent_events_of_rooms",
    "SELECT r.room_id, t.event_id, t.stream_ordering, t.writer_tag FROM unnest($1::text[]) AS r(room_id) CROSS JOIN LATERAL ("
    "SELECT e.event_id, e.stream_ordering, e.writer_tag FROM events e WHERE e.room_id = r.room_id AND " WEFT_BETWEEN ") AS t"};
#undef WEFT_BETWEEN
constexpr Sql kTokenOf{"token_of_event", "SELECT topological_ordering, stream_ordering FROM events WHERE event_id = $1 AND NOT outlier"};

#define WEFT_BY_TIME(compares, order)                                                                                     \
    "SELECT e.event_id FROM events e WHERE e.room_id = $1 AND NOT e.outlier AND e.origin_server_ts " compares             \
    " $2::bigint AND NOT EXISTS (SELECT 1 FROM rejections r WHERE r.event_id = e.event_id) "                              \
    "ORDER BY e.origin_server_ts " order ", e.stream_ordering " order " LIMIT $3 OFFSET $4"
constexpr Sql kAtOrAfter{"events_at_or_after", WEFT_BY_TIME(">=", "ASC")};
constexpr Sql kAtOrBefore{"events_at_or_before", WEFT_BY_TIME("<=", "DESC")};
#undef WEFT_BY_TIME

#define WEFT_PAGE                                                                                                             \
    "SELECT e.event_id, e.topological_ordering, e.stream_ordering, e.type, e.sender, COALESCE(e.contains_url, false), e.writer_tag FROM events e " \
    "WHERE e.room_id = $1 AND NOT e.outlier AND NOT EXISTS (SELECT 1 FROM rejections r WHERE r.event_id = e.event_id) AND "
#define WEFT_BACK " ORDER BY e.topological_ordering DESC, e.stream_ordering DESC LIMIT $4"
#define WEFT_FORTH " ORDER BY e.topological_ordering ASC, e.stream_ordering ASC LIMIT $4"
constexpr Sql kPageBackStream{"page_back_stream", WEFT_PAGE "e.stream_ordering <= " WEFT_POSITION("$2", "$3", "$5") WEFT_BACK};
constexpr Sql kPageBackTopological{"page_back_topological",
                                   WEFT_PAGE "(e.topological_ordering, e.stream_ordering) <= ($2::bigint, $3::bigint)" WEFT_BACK};
constexpr Sql kPageForthStream{"page_forth_stream", WEFT_PAGE "e.stream_ordering > " WEFT_POSITION("$2", "$3", "$5") WEFT_FORTH};
constexpr Sql kPageForthTopological{"page_forth_topological",
                                    WEFT_PAGE "(e.topological_ordering, e.stream_ordering) > ($2::bigint, $3::bigint)" WEFT_FORTH};
#undef WEFT_PAGE
#undef WEFT_BACK
#undef WEFT_FORTH
#undef WEFT_POSITION

/// How far one request may read when its filter rejects nearly everything.
constexpr int kPagesMax = 20;

EventsStore::Recent newest_first_to_recent(std::vector<TimelineEntry> newest_first, std::size_t limit) {
    EventsStore::Recent out;
    out.limited = newest_first.size() > limit;
    if (out.limited) newest_first.erase(newest_first.begin() + static_cast<std::ptrdiff_t>(limit), newest_first.end());
    out.entries.assign(newest_first.rbegin(), newest_first.rend());
    return out;
}

/// Whether an event's place lies beyond the end of a pagination.
bool beyond(const RoomToken& end, Direction direction, std::int64_t topological, std::int64_t stream, WriterTag writer) {
    const bool back = direction == Direction::kBackward;
    if (!end.topological) return end.stream.covers(writer, stream) == back;
    const auto here = std::pair{topological, stream};
    const auto there = std::pair{*end.topological, end.stream.min()};
    return back ? here <= there : here > there;
}

TimelineEntry to_entry(const Field& event_id, const Field& stream_ordering, const Field& writer) {
    return {stream_ordering.i64(), proto::EventId::trusted(event_id.str()), to_writer_tag(writer)};
}

bool wanted(const proto::EventFilter& filter, std::string_view type, std::string_view sender, bool contains_url) {
    return filter.matches_type(type) && filter.matches_sender(sender) && (!filter.contains_url || *filter.contains_url == contains_url);
}

}  // namespace

Task<EventsStore::Recent> EventsStore::recent_events(proto::RoomId room_id, WriterPositions from, WriterPositions to, std::size_t limit) {
    if (auto remembered = impl_->timelines.find(room_id, from, to, limit); remembered && impl_->timelines_started) {
        co_return std::move(*remembered);
    }
    const auto rows = co_await impl_->db.query(kRecentEvents, room_id.str(), from.min(), from.tags(), from.tokens(), to.min(), to.tags(), to.tokens(), to.max(), limit + 1);
    std::vector<TimelineEntry> newest_first;
    for (const auto row : rows) newest_first.push_back(to_entry(row[0], row[1], row[2]));
    co_return newest_first_to_recent(std::move(newest_first), limit);
}

Task<std::unordered_map<proto::RoomId, EventsStore::Recent>> EventsStore::recent_events_of(std::vector<proto::RoomId> rooms,
                                                                                          WriterPositions from, WriterPositions to,
                                                                                          std::size_t limit) {
    std::unordered_map<proto::RoomId, Recent> out;
    std::vector<std::string> missing;
    for (const auto& room_id : rooms) {
        auto remembered = impl_->timelines_started ? impl_->timelines.find(room_id, from, to, limit) : std::nullopt;
        if (remembered) {
            out.emplace(room_id, std::move(*remembered));
        } else {
            missing.push_back(room_id.str());
        }
    }
    if (missing.empty()) co_return out;
    const auto rows = co_await impl_->db.query(kRecentEventsOfRooms, missing, from.min(), from.tags(), from.tokens(), to.min(), to.tags(),
                                             to.tokens(), to.max(), limit + 1);
    std::unordered_map<proto::RoomId, std::vector<TimelineEntry>> found;
    for (auto& room_id : missing) found.try_emplace(proto::RoomId::trusted(std::move(room_id)));
    for (const auto row : rows) {
        found[proto::RoomId::trusted(row[0].str())].push_back(to_entry(row[1], row[2], row[3]));
    }
    for (auto& [room_id, entries] : found) {
        std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.stream_ordering > b.stream_ordering; });
        out.emplace(room_id, newest_first_to_recent(std::move(entries), limit));
    }
    co_return out;
}

Task<TimelinePage> EventsStore::paginate(proto::RoomId room_id, RoomToken from, std::optional<RoomToken> to, Direction direction,
                                         std::size_t limit, proto::EventFilter filter) {
    TimelinePage page;
    page.next = from;
    const bool back = direction == Direction::kBackward;
    for (int pages = 0; pages < kPagesMax; ++pages) {
        const auto batch = std::max<std::size_t>(limit - page.events.size(), 10) + 1;
        const auto& at = page.next.stream;
        const auto rows = page.next.topological
                              ? co_await impl_->db.query(back ? kPageBackTopological : kPageForthTopological, room_id.str(),
                                                         *page.next.topological, at.min(), batch)
                              : co_await impl_->db.query(back ? kPageBackStream : kPageForthStream, room_id.str(), at.min(), at.tags(), batch,
                                                         at.tokens());
        for (const auto row : rows) {
            const auto topological = row[1].i64();
            const auto stream = row[2].i64();
            if (to && beyond(*to, direction, topological, stream, to_writer_tag(row[6]))) {
                page.more = false;
                co_return page;
            }
            if (page.events.size() == limit) {
                page.more = true;
                co_return page;
            }
            if (wanted(filter, row[3].view(), row[4].view(), row[5].boolean())) page.events.push_back(proto::EventId::trusted(row[0].str()));
            page.next = RoomToken{topological, back ? stream - 1 : stream};
        }
        page.more = rows.size() == batch;
        if (!page.more) break;
    }
    co_return page;
}

Task<std::vector<proto::EventId>> EventsStore::events_by_time(proto::RoomId room_id, std::int64_t time_ms, Direction direction,
                                                              std::size_t limit, std::size_t offset) {
    const auto& sql = direction == Direction::kForward ? kAtOrAfter : kAtOrBefore;
    std::vector<proto::EventId> out;
    for (const auto row : co_await impl_->db.query(sql, room_id.str(), time_ms, limit, offset)) {
        out.push_back(proto::EventId::trusted(row[0].str()));
    }
    co_return out;
}

Task<std::optional<RoomToken>> EventsStore::token_of(proto::EventId event_id) {
    const auto rows = co_await impl_->db.query(kTokenOf, event_id.str());
    if (rows.empty()) co_return std::nullopt;
    co_return RoomToken{rows.front()[0].i64(), rows.front()[1].i64()};
}

}  // namespace weft::storage
