#include "weft/storage/room_recency_store.hpp"

#include <array>

#include "weft/proto/replication/rows.hpp"

namespace weft::storage {
namespace {

constexpr std::size_t kCacheEntries = 50'000;
constexpr std::array<std::string_view, 8> kTypes{"m.room.create",
                                                 "m.room.message",
                                                 "m.room.encrypted",
                                                 "m.sticker",
                                                 "m.call.invite",
                                                 "m.poll.start",
                                                 "org.matrix.msc3381.poll.start",
                                                 "m.beacon_info"};

constexpr Sql kNewest{"room_recency", R"sql(
    SELECT r.room_id, newest.stream_ordering FROM unnest($1::text[]) AS r(room_id) CROSS JOIN LATERAL (
        SELECT e.stream_ordering FROM events AS e
        WHERE e.room_id = r.room_id AND e.type = ANY ($2::text[]) AND NOT e.outlier
          AND NOT EXISTS (SELECT 1 FROM rejections AS j WHERE j.event_id = e.event_id)
        ORDER BY e.stream_ordering DESC LIMIT 1
    ) AS newest)sql"};

bool counts(std::string_view type) {
    return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

}  // namespace

RoomRecencyStore::RoomRecencyStore(StoreContext context, StreamState& events)
    : context_{std::move(context)},
      events_{events},
      cache_{"room_recency", context_.scaled(kCacheEntries), context_.executor} {
    events_.on_invalidate([this](std::int64_t token, const StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = proto::replication::parse_events_row(json);
            const auto* event = row ? std::get_if<proto::replication::EventsEventRow>(&*row) : nullptr;
            if (event && counts(event->type)) cache_.put(event->room_id, token);
        }
    });
}

Task<std::unordered_map<std::string, std::int64_t>> RoomRecencyStore::of_rooms(
    std::vector<std::string> rooms) {
    std::unordered_map<std::string, std::int64_t> out;
    std::vector<std::string> missing;
    for (auto& room : rooms) {
        if (const auto known = cache_.get_if_present(room)) {
            out.emplace(room, *known);
        } else {
            missing.push_back(room);
        }
    }
    if (missing.empty()) co_return out;
    const std::vector<std::string> types(kTypes.begin(), kTypes.end());
    for (const auto row : co_await context_.db.query(kNewest, missing, types))
        out.emplace(row[0].str(), row[1].i64());
    for (const auto& room : missing) {
        // What came meanwhile is newer than what was read.
        if (const auto known = cache_.get_if_present(room)) {
            out[room] = *known;
        } else {
            cache_.put(room, out[room]);
        }
    }
    co_return out;
}

}  // namespace weft::storage
