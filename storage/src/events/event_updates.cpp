// Catch-up of the events and backfill streams: rows between two tokens, as replication.md §3.3 has them.
#include "events/events_store_impl.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {
namespace {

constexpr Sql kNewEvents{
    "updates_events",
    "SELECT e.stream_ordering, e.event_id, e.room_id, e.type, s.state_key, r.redacts, rel.relates_to_id FROM events e "
    "LEFT JOIN state_events s ON s.event_id = e.event_id LEFT JOIN redactions r ON r.event_id = e.event_id "
    "LEFT JOIN event_relations rel ON rel.event_id = e.event_id "
    "WHERE e.stream_ordering > $1::bigint AND e.stream_ordering <= $2::bigint AND (e.writer_tag = $4::int OR e.writer_tag IS NULL) "
    "ORDER BY e.stream_ordering LIMIT $3"};
constexpr Sql kFormerOutliers{
    "updates_former_outliers",
    "SELECT o.event_stream_ordering, e.event_id, e.room_id, e.type, s.state_key, r.redacts, rel.relates_to_id "
    "FROM ex_outlier_stream o JOIN events e ON e.event_id = o.event_id LEFT JOIN state_events s ON s.event_id = e.event_id "
    "LEFT JOIN redactions r ON r.event_id = e.event_id LEFT JOIN event_relations rel ON rel.event_id = e.event_id "
    "WHERE o.event_stream_ordering > $1 AND o.event_stream_ordering <= $2 ORDER BY o.event_stream_ordering"};
constexpr Sql kStateDeltas{"updates_state_deltas",
                           "SELECT stream_id, room_id, type, state_key, event_id FROM current_state_delta_stream "
                           "WHERE stream_id > $1 AND stream_id <= $2 AND (writer_tag = $4::int OR writer_tag IS NULL) "
                           "ORDER BY stream_id LIMIT $3"};
constexpr Sql kStateDeltasOf{"updates_state_deltas_of",
                             "SELECT stream_id, room_id, type, state_key, event_id FROM current_state_delta_stream WHERE stream_id = $1"};
constexpr Sql kBackfilled{
    "updates_backfill",
    "SELECT -t.ordering, e.event_id, e.room_id, e.type, s.state_key, r.redacts, rel.relates_to_id FROM ("
    "SELECT stream_ordering AS ordering, event_id FROM events WHERE stream_ordering < -$1::bigint AND stream_ordering >= -$2::bigint "
    "UNION SELECT event_stream_ordering, event_id FROM ex_outlier_stream WHERE event_stream_ordering < -$1::bigint "
    "AND event_stream_ordering >= -$2::bigint) AS t JOIN events e ON e.event_id = t.event_id "
    "LEFT JOIN state_events s ON s.event_id = e.event_id LEFT JOIN redactions r ON r.event_id = e.event_id "
    "LEFT JOIN event_relations rel ON rel.event_id = e.event_id ORDER BY t.ordering DESC LIMIT $3"};

struct MergedRow {
    std::int64_t token;
    int rank;  // events before the state they changed
    boost::json::value json;
};

MergedRow event_row(const Rows::Row& row) {
    proto::replication::EventsEventRow event{row[1].str(),     row[2].str(),     row[3].str(),
                                               row[4].opt_str(), row[5].opt_str(), row[6].opt_str()};
    return {row[0].i64(), 0, event.to_json()};
}

MergedRow state_row(const Rows::Row& row) {
    proto::replication::EventsStateRow state{row[1].str(), row[2].str(), row[3].str(), row[4].opt_str()};
    return {row[0].i64(), 1, state.to_json()};
}

}  // namespace

Task<EventsStore::Updates> EventsStore::updates(std::string instance, std::int64_t from, std::int64_t upto, std::size_t limit) {
    const std::size_t per_source = std::max<std::size_t>(limit / 2, 1);
    Updates out;
    out.upto = upto;
    std::vector<MergedRow> merged;

    const auto writer = static_cast<std::int64_t>(writer_tag(instance));
    const auto events = co_await impl_->db.query(kNewEvents, from, upto, per_source, writer);
    for (const auto row : events) merged.push_back(event_row(row));
    if (events.size() == per_source) {
        out.limited = true;
        out.upto = merged.back().token;
    }

    // All changes of one batch share its first token, so the last token of a full page may be cut off: leave it for the
    // next page, or, if it is all there is, read it whole.
    const auto deltas = co_await impl_->db.query(kStateDeltas, from, out.upto, per_source, writer);
    std::vector<MergedRow> states;
    for (const auto row : deltas) states.push_back(state_row(row));
    if (deltas.size() == per_source) {
        out.limited = true;
        const auto last = states.back().token;
        std::erase_if(states, [last](const MergedRow& row) { return row.token == last; });
        if (states.empty()) {
            const auto whole = co_await impl_->db.query(kStateDeltasOf, last);
            for (const auto row : whole) states.push_back(state_row(row));
            out.upto = last;
        } else {
            out.upto = last - 1;
        }
    }
    merged.insert(merged.end(), std::make_move_iterator(states.begin()), std::make_move_iterator(states.end()));

    const auto former_outliers = co_await impl_->db.query(kFormerOutliers, from, out.upto);
    for (const auto row : former_outliers) merged.push_back(event_row(row));

    std::erase_if(merged, [&](const MergedRow& row) { return row.token > out.upto; });
    std::stable_sort(merged.begin(), merged.end(), [](const MergedRow& a, const MergedRow& b) {
        return std::pair{a.token, a.rank} < std::pair{b.token, b.rank};
    });
    for (auto& row : merged) out.rows.emplace_back(row.token, std::move(row.json));
    co_return out;
}

Task<EventsStore::Updates> EventsStore::backfill_updates(std::int64_t from, std::int64_t upto, std::size_t limit) {
    Updates out;
    out.upto = upto;
    const auto rows = co_await impl_->db.query(kBackfilled, from, upto, limit);
    for (const auto row : rows) {
        out.rows.emplace_back(row[0].i64(), proto::replication::BackfillRow{row[1].str(), row[2].str(), row[3].str(), row[4].opt_str(),
                                                                            row[5].opt_str(), row[6].opt_str()}
                                                .to_json());
    }
    if (rows.size() == limit) {
        out.limited = true;
        out.upto = out.rows.back().first;
    }
    co_return out;
}

}  // namespace weft::storage
