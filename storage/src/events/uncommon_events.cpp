#include "events/uncommon_events.hpp"

#include <algorithm>

namespace weft::storage {
namespace {

constexpr Sql kRejections{"insert_rejections",
                          "INSERT INTO rejections (event_id, reason, last_check) SELECT e, r, $3 FROM "
                          "unnest($1::text[], $2::text[]) AS t(e, r)"};
// What the batch names and the room does not have, as far as it is known; what of that has come now is no gap
// any more.
constexpr Sql kGaps{"update_backward_extremities",
                    "WITH filled AS (DELETE FROM event_backward_extremities WHERE room_id = $1 AND event_id "
                    "= ANY($2::text[])) "
                    "INSERT INTO event_backward_extremities (event_id, room_id) SELECT DISTINCT p, $1 FROM "
                    "unnest($3::text[]) AS p "
                    "WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.event_id = p AND NOT e.outlier) ON "
                    "CONFLICT DO NOTHING"};

constexpr Sql kUnstage{"forget_staged_push_actions",
                       "DELETE FROM event_push_actions_staging WHERE event_id = ANY($1::text[])"};

}  // namespace

bool has_uncommon_events(const PersistBatch& batch, const std::vector<proto::EventPtr>& events) {
    return batch.may_have_gaps ||
           std::any_of(batch.events.begin(), batch.events.end(),
                       [](const auto& item) { return item.was_staged; }) ||
           std::any_of(events.begin(), events.end(), [](const auto& event) { return event->rejected(); });
}

void write_uncommon_events(Transaction& txn, const PersistBatch& batch,
                           const std::vector<proto::EventPtr>& events, std::int64_t now_ms) {
    std::vector<std::string> rejected, reasons, placed, named;
    for (const auto& event : events) {
        if (event->rejected()) {
            rejected.push_back(event->event_id().str());
            reasons.push_back(*event->metadata().rejected_reason);
            continue;
        }
        if (event->outlier()) continue;
        placed.push_back(event->event_id().str());
        for (const auto& prev : event->prev_events()) named.push_back(prev.str());
    }
    std::vector<std::string> staged;
    for (const auto& item : batch.events) {
        if (item.was_staged) staged.push_back(item.event->event_id().str());
    }
    if (!staged.empty()) txn.exec(kUnstage, staged);
    if (!rejected.empty()) txn.exec(kRejections, rejected, reasons, std::to_string(now_ms));
    if (batch.may_have_gaps && !placed.empty()) txn.exec(kGaps, batch.room_id.str(), placed, named);
}

}  // namespace weft::storage
