#include "weft/storage/appservice_store.hpp"

#include "stores/store_support.hpp"
#include "weft/proto/json.hpp"

namespace weft::storage {
namespace {

constexpr Sql kPosition{"appservice_position",
                        "SELECT COALESCE(max(stream_ordering), 0) FROM appservice_stream_position"};

constexpr Sql kEvents{"appservice_events", R"sql(
    SELECT stream_ordering, event_id FROM events
    WHERE stream_ordering > $1 AND stream_ordering <= $2 AND NOT outlier
    ORDER BY stream_ordering LIMIT $3)sql"};

/// Numbers go on where the last one that was sent, or waits, ended.
constexpr Sql kQueue{"queue_appservice_txn", R"sql(
    INSERT INTO application_services_txns (as_id, txn_id, event_ids, ephemeral)
    SELECT $1, 1 + GREATEST(
        COALESCE((SELECT max(txn_id) FROM application_services_txns WHERE as_id = $1), 0),
        COALESCE((SELECT last_txn FROM application_services_state WHERE as_id = $1), 0)), $2, $3)sql"};

constexpr Sql kMove{"move_appservice_position", "UPDATE appservice_stream_position SET stream_ordering = $1"};

constexpr Sql kOldest{"oldest_appservice_txn", R"sql(
    SELECT txn_id, event_ids, ephemeral FROM application_services_txns WHERE as_id = $1 ORDER BY txn_id LIMIT 1)sql"};

constexpr Sql kDone{"complete_appservice_txn", R"sql(
    WITH gone AS (DELETE FROM application_services_txns WHERE as_id = $1 AND txn_id = $2)
    INSERT INTO application_services_state (as_id, state, last_txn) VALUES ($1, 'up', $2)
    ON CONFLICT (as_id) DO UPDATE SET last_txn = EXCLUDED.last_txn, state = 'up')sql"};

constexpr Sql kSetState{"set_appservice_state", R"sql(
    INSERT INTO application_services_state (as_id, state) VALUES ($1, $2)
    ON CONFLICT (as_id) DO UPDATE SET state = EXCLUDED.state)sql"};

constexpr Sql kList{"list_appservice_room", R"sql(
    INSERT INTO appservice_room_list (appservice_id, network_id, room_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING)sql"};
constexpr Sql kUnlist{
    "unlist_appservice_room",
    "DELETE FROM appservice_room_list WHERE appservice_id = $1 AND network_id = $2 AND room_id = $3"};

/// What is no list of event IDs gives none.
std::vector<proto::EventId> parse_events(std::string_view text) {
    std::vector<proto::EventId> out;
    const auto parsed = proto::parse_json(text);
    const auto* list = parsed ? parsed->if_array() : nullptr;
    if (!list) return out;
    for (const auto& item : *list) {
        if (item.is_string())
            out.push_back(proto::EventId::trusted(std::string{std::string_view{item.get_string()}}));
    }
    return out;
}

}  // namespace

Task<std::int64_t> AppserviceStore::position() {
    co_return (co_await context_.db.query(kPosition)).front()[0].i64();
}

Task<std::vector<std::pair<std::int64_t, proto::EventId>>> AppserviceStore::events(std::int64_t from,
                                                                                   std::int64_t to,
                                                                                   std::size_t limit) {
    std::vector<std::pair<std::int64_t, proto::EventId>> out;
    for (const auto row : co_await context_.db.query(kEvents, from, to, limit)) {
        out.emplace_back(row[0].i64(), proto::EventId::trusted(row[1].str()));
    }
    co_return out;
}

Task<void> AppserviceStore::hand_out(std::map<std::string, std::vector<std::string>> events_by_service,
                                     std::int64_t position) {
    const auto guard = co_await queueing_.lock({});
    co_await context_.db.run("hand_out_to_appservices", [&](Transaction& txn) {
        for (const auto& [as_id, events] : events_by_service) {
            boost::json::array list;
            for (const auto& event_id : events) list.emplace_back(event_id);
            txn.exec(kQueue, as_id, proto::to_json(boost::json::value(std::move(list))), std::string{"[]"});
        }
        txn.exec(kMove, position);
    });
}

Task<void> AppserviceStore::queue_ephemeral(std::string as_id, std::string ephemeral) {
    const auto guard = co_await queueing_.lock({});
    co_await context_.db.query(kQueue, as_id, std::string{"[]"}, ephemeral);
}

Task<std::optional<AppserviceTxn>> AppserviceStore::oldest(std::string as_id) {
    const auto rows = co_await context_.db.query(kOldest, as_id);
    if (rows.empty()) co_return std::nullopt;
    const auto row = rows.front();
    co_return AppserviceTxn{row[0].i64(), parse_events(row[1].view()), row[2].opt_str().value_or("[]")};
}

Task<void> AppserviceStore::complete(std::string as_id, std::int64_t txn_id) {
    co_await context_.db.query(kDone, as_id, txn_id);
}

Task<void> AppserviceStore::set_up(std::string as_id, bool up) {
    co_await context_.db.query(kSetState, as_id, std::string{up ? "up" : "down"});
}

Task<void> AppserviceStore::set_listed(std::string as_id, std::string network_id, std::string room_id,
                                       bool listed) {
    co_await context_.db.query(listed ? kList : kUnlist, as_id, network_id, room_id);
}

}  // namespace weft::storage
