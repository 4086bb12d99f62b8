#include "weft/storage/receipt_store.hpp"

#include <map>
#include <tuple>

#include "stores/store_support.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {

using proto::replication::ReceiptsRow;

namespace {

constexpr std::size_t kCacheEntries = 5'000;
constexpr std::size_t kRecentRows = 20'000;
constexpr auto kCacheName = "_get_linearized_receipts_for_room";

/// Where the new receipt points and where the present one does; unknown events have no place.
constexpr Sql kPositions{"receipt_positions", R"sql(
    SELECT (SELECT stream_ordering FROM events WHERE event_id = $4 AND room_id = $1), r.event_id, e.stream_ordering
    FROM (SELECT 1) AS one
    LEFT JOIN receipts_linearized AS r ON r.room_id = $1 AND r.receipt_type = $2 AND r.user_id = $3
        AND COALESCE(r.thread_id, '') = $5
    LEFT JOIN events AS e ON e.event_id = r.event_id)sql"};

constexpr Sql kUpsert{"upsert_receipt", R"sql(
    WITH graph AS (
        INSERT INTO receipts_graph (room_id, receipt_type, user_id, event_ids, data)
        SELECT $2, $3, $4, json_build_array($5::text)::text, $6 WHERE $7::text IS NULL
        ON CONFLICT (room_id, receipt_type, user_id) DO UPDATE SET event_ids = EXCLUDED.event_ids, data = EXCLUDED.data
    )
    INSERT INTO receipts_linearized (stream_id, room_id, receipt_type, user_id, event_id, data, thread_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (room_id, receipt_type, user_id, COALESCE(thread_id, '')) DO UPDATE
    SET stream_id = EXCLUDED.stream_id, event_id = EXCLUDED.event_id, data = EXCLUDED.data)sql"};

/// Highlights stay: they are the user's list of notifications. A receipt for a thread is about that alone.
constexpr Sql kClearPushActions{"clear_push_actions", R"sql(
    WITH summary AS (
        DELETE FROM event_push_summary WHERE room_id = $1 AND user_id = $2 AND stream_ordering <= $3
        AND ($4::text IS NULL OR COALESCE(thread_id, 'main') = $4)
    )
    DELETE FROM event_push_actions
    WHERE room_id = $1 AND user_id = $2 AND stream_ordering <= $3 AND COALESCE(highlight, 0) = 0
      AND ($4::text IS NULL OR COALESCE(thread_id, 'main') = $4))sql"};

constexpr Sql kOfRooms{"receipts_of_rooms", R"sql(
    SELECT room_id, receipt_type, user_id, event_id, data, thread_id FROM receipts_linearized
    WHERE room_id = ANY ($1::text[]))sql"};

constexpr Sql kChanged{"receipts_changed", R"sql(
    SELECT room_id, receipt_type, user_id, event_id, data, thread_id FROM receipts_linearized
    WHERE room_id = ANY ($1::text[]) AND stream_id > $2 AND stream_id <= $3)sql"};

constexpr Sql kEventOf{"receipt_event_of", R"sql(
    SELECT event_id FROM receipts_linearized WHERE user_id = $1 AND room_id = $2 AND receipt_type = $3
    AND thread_id IS NULL)sql"};

constexpr Sql kUpdates{"receipt_updates", R"sql(
    SELECT stream_id, room_id, receipt_type, user_id, event_id, data FROM receipts_linearized
    WHERE stream_id > $1 AND stream_id <= $2 ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

bool means_read(const std::string& type) {
    return type == "m.read" || type == "m.read.private";
}

Receipt to_receipt(const Rows::Row& row) {
    return {row[0].str(), row[1].str(), row[2].str(), row[3].str(), row[4].str(), row[5].opt_str()};
}

/// Data that is not a JSON object becomes {}.
boost::json::value to_row(const Receipt& receipt) {
    auto data = proto::parse_json_object(receipt.data);
    return ReceiptsRow{receipt.room_id, receipt.type, receipt.user_id, receipt.event_id,
                       data ? std::move(*data) : boost::json::object{}}
        .to_json();
}

}  // namespace

ReceiptStore::ReceiptStore(StoreContext context, StreamState& receipts)
    : context_{std::move(context)},
      receipts_{receipts},
      room_cache_{kCacheName, context_.scaled(kCacheEntries), context_.executor},
      recent_{kRecentRows} {
    register_cache(context_.caches, kCacheName, room_cache_);
    receipts_.on_invalidate([this](std::int64_t token, const StreamRows& rows) { on_rows(token, rows); });
}

void ReceiptStore::on_rows(std::int64_t token, const StreamRows& rows) {
    // The position has not moved yet: from there on we know everything.
    if (!recent_.started()) recent_.reset(receipts_.current());
    for (const auto& json : rows) {
        auto row = ReceiptsRow::parse(json);
        if (!row) continue;
        room_cache_.invalidate(row->room_id);
        receipts_.changes().entity_changed(row->room_id, token);
        std::optional<std::string> thread_id;
        if (const auto named = proto::get_string(row->data, "thread_id")) thread_id = *named;
        recent_.add(token, row->room_id,
                    Receipt{row->room_id, row->receipt_type, row->user_id, row->event_id, proto::to_json(row->data),
                            std::move(thread_id)});
    }
}

Task<std::optional<std::int64_t>> ReceiptStore::insert(Receipt receipt) {
    auto id = receipts_.allocate();
    const auto token = id.first();
    const bool stored = co_await context_.db.run("insert_receipt", [&](Transaction& txn) {
        const auto rows =
            txn.exec(kPositions, receipt.room_id, receipt.type, receipt.user_id, receipt.event_id,
                     receipt.thread_id.value_or(""));
        const auto row = rows.front();
        const auto place = row[0].opt_i64();
        const auto present_place = row[2].opt_i64();
        if (row[1].view() == receipt.event_id) return false;
        if (place && present_place && *present_place >= *place) return false;
        txn.exec(kUpsert, token, receipt.room_id, receipt.type, receipt.user_id, receipt.event_id,
                 receipt.data, receipt.thread_id);
        if (place && means_read(receipt.type))
            txn.exec(kClearPushActions, receipt.room_id, receipt.user_id, *place, receipt.thread_id);
        return true;
    });
    if (!stored) co_return std::nullopt;
    receipts_.publish(std::move(id), {{token, to_row(receipt)}});
    co_return token;
}

Task<std::vector<std::shared_ptr<const ReceiptList>>> ReceiptStore::of_rooms(std::vector<std::string> rooms) {
    auto load = [&db = context_.db](
                    std::vector<std::string> missing) -> Task<std::unordered_map<std::string, ReceiptList>> {
        std::unordered_map<std::string, ReceiptList> by_room;
        for (const auto row : co_await db.query(kOfRooms, missing)) {
            auto receipt = std::make_shared<const Receipt>(to_receipt(row));
            by_room[receipt->room_id].push_back(std::move(receipt));
        }
        co_return by_room;
    };
    return get_many(room_cache_, receipts_, std::move(rooms), std::move(load));
}

Task<std::shared_ptr<const ReceiptList>> ReceiptStore::of_room(std::string room_id) {
    const auto lists = co_await of_rooms(std::vector<std::string>{std::move(room_id)});
    co_return lists.front();
}

Task<ReceiptList> ReceiptStore::changed(std::vector<std::string> rooms, std::int64_t from, std::int64_t to) {
    const auto& changes = receipts_.changes();
    std::erase_if(rooms, [&](const std::string& room) { return !changes.has_changed(room, from); });
    ReceiptList list;
    if (rooms.empty() || from >= to) co_return list;
    if (!recent_.knows(from)) {
        for (const auto row : co_await context_.db.query(kChanged, rooms, from, to)) {
            list.push_back(std::make_shared<const Receipt>(to_receipt(row)));
        }
        co_return list;
    }
    for (const auto& room : rooms) {
        std::map<std::tuple<std::string, std::string, std::string>, ReceiptPtr> newest;
        for (const auto& receipt : recent_.of(room, from, to)) {
            newest.insert_or_assign({receipt->type, receipt->user_id, receipt->thread_id.value_or("")}, receipt);
        }
        for (auto& [key, receipt] : newest) list.push_back(std::move(receipt));
    }
    co_return list;
}

Task<std::optional<std::string>> ReceiptStore::event_of(std::string user_id, std::string room_id,
                                                        std::string type) {
    const auto rows = co_await context_.db.query(kEventOf, user_id, room_id, type);
    co_return rows.empty() ? std::nullopt : std::optional{rows.front()[0].str()};
}

Task<StreamUpdates> ReceiptStore::updates(std::int64_t from, std::int64_t to, std::size_t limit) {
    const auto rows = co_await context_.db.query(kUpdates, from, to, limit);
    co_return make_updates(rows, to, limit, [](const Rows::Row& row) {
        return to_row(Receipt{row[1].str(), row[2].str(), row[3].str(), row[4].str(), row[5].str()});
    });
}

}  // namespace weft::storage
