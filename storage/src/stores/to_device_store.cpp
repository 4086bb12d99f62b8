#include "weft/storage/to_device_store.hpp"

#include <algorithm>
#include <set>

#include "stores/store_support.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::storage {

using proto::replication::ToDeviceRow;

namespace {

/// Devices whose last deletion is remembered; forgetting one costs a query.
constexpr std::size_t kDeletionsMax = 50'000;

constexpr Sql kInsert{"insert_to_device_messages", R"sql(
    WITH newest AS (UPDATE device_max_stream_id SET stream_id = $1 WHERE stream_id < $1)
    INSERT INTO device_inbox (user_id, device_id, stream_id, message_json)
    SELECT d.user_id, d.device_id, $1, m.json
    FROM unnest($2::text[], $3::text[], $4::text[]) AS m(user_id, device_id, json)
    JOIN devices AS d ON d.user_id = m.user_id AND (m.device_id = '*' OR d.device_id = m.device_id)
    WHERE NOT d.hidden)sql"};

constexpr Sql kBeginTransaction{"begin_to_device_transaction", R"sql(
    INSERT INTO to_device_txn (user_id, device_id, event_type, txn_id, inserted_ts) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (user_id, device_id, event_type, txn_id) DO NOTHING)sql"};

constexpr Sql kForgetTransactions{"forget_to_device_transactions",
                                  "DELETE FROM to_device_txn WHERE inserted_ts < $1"};

constexpr Sql kGet{"get_to_device_messages", R"sql(
    SELECT stream_id, message_json FROM device_inbox
    WHERE user_id = $1 AND device_id = $2 AND stream_id > $3 AND stream_id <= $4
    ORDER BY stream_id FETCH FIRST $5 ROWS WITH TIES)sql"};

constexpr Sql kDelete{"delete_to_device_messages",
                      "DELETE FROM device_inbox WHERE user_id = $1 AND device_id = $2 AND stream_id <= $3"};

constexpr Sql kUpdates{"to_device_updates", R"sql(
    SELECT max(stream_id), entity FROM (
        SELECT stream_id, user_id AS entity FROM device_inbox WHERE stream_id > $1 AND stream_id <= $2
        UNION ALL
        SELECT stream_id, destination FROM device_federation_outbox WHERE stream_id > $1 AND stream_id <= $2
    ) AS messages GROUP BY entity ORDER BY 1, 2)sql"};

}  // namespace

ToDeviceStore::ToDeviceStore(StoreContext context, StreamState& to_device)
    : context_{std::move(context)}, to_device_{to_device} {
    to_device_.on_invalidate([&stream = to_device_](std::int64_t token, const StreamRows& rows) {
        for (const auto& json : rows) {
            if (const auto row = ToDeviceRow::parse(json))
                stream.changes().entity_changed(row->entity, token);
        }
    });
}

Task<std::int64_t> ToDeviceStore::add_messages(std::vector<ToDeviceMessage> messages,
                                               std::optional<ToDeviceTransaction> transaction) {
    if (messages.empty()) co_return to_device_.current();
    std::vector<std::string> users, devices, texts;
    std::set<std::string> entities;
    for (auto& message : messages) {
        entities.insert(message.user_id);
        users.push_back(std::move(message.user_id));
        devices.push_back(std::move(message.device_id));
        texts.push_back(std::move(message.json));
    }
    auto id = to_device_.allocate();
    const auto token = id.first();
    auto body = [&, now_ms = context_.clock.now_ms()](Transaction& txn) {
        if (transaction) {
            const auto& key = *transaction;
            const auto begun =
                txn.exec(kBeginTransaction, key.user_id, key.device_id, key.event_type, key.txn_id, now_ms);
            if (begun.affected() == 0) return false;
        }
        txn.exec(kInsert, token, users, devices, texts);
        return true;
    };
    std::exception_ptr in_doubt;
    bool added = true;
    try {
        added = co_await context_.db.run("add_to_device_messages", std::move(body));
    } catch (const CommitInDoubt&) {
        // The messages may be there: whoever waits for them has to look.
        in_doubt = std::current_exception();
    }
    if (!added) co_return to_device_.current();
    std::vector<std::pair<std::int64_t, boost::json::value>> rows;
    for (const auto& entity : entities) rows.emplace_back(token, ToDeviceRow{entity}.to_json());
    to_device_.publish(std::move(id), std::move(rows));
    if (in_doubt) std::rethrow_exception(in_doubt);
    co_return token;
}

Task<void> ToDeviceStore::forget_transactions_before(std::int64_t time_ms) {
    co_await context_.db.query(kForgetTransactions, time_ms);
}

Task<ToDeviceBatch> ToDeviceStore::get_messages(std::string user_id, std::string device_id, std::int64_t from,
                                                std::int64_t to, std::size_t limit) {
    ToDeviceBatch batch;
    batch.upto = to;
    if (from >= to || !to_device_.changes().has_changed(user_id, from)) co_return batch;
    const auto rows = co_await context_.db.query(kGet, user_id, device_id, from, to, limit);
    for (const auto row : rows) batch.messages.push_back(row[1].str());
    if (!rows.empty() && rows.size() >= limit) batch.upto = rows[rows.size() - 1][0].i64();
    // A device that begins and has nothing waiting has nothing to delete next time either.
    if (from == 0 && rows.empty()) remember_deleted({user_id, device_id}, to);
    co_return batch;
}

Task<std::size_t> ToDeviceStore::delete_messages(std::string user_id, std::string device_id,
                                                 std::int64_t upto) {
    const KeyPair key{user_id, device_id};
    const auto found = deleted_upto_.find(key);
    if (found != deleted_upto_.end() &&
        (found->second >= upto || !to_device_.changes().has_changed(user_id, found->second))) {
        co_return 0;
    }
    const auto deleted = (co_await context_.db.query(kDelete, user_id, device_id, upto)).affected();
    remember_deleted(key, upto);
    co_return deleted;
}

void ToDeviceStore::remember_deleted(const KeyPair& device, std::int64_t upto) {
    if (deleted_upto_.size() >= kDeletionsMax) deleted_upto_.clear();
    auto& remembered = deleted_upto_[device];
    remembered = std::max(remembered, upto);
}

Task<StreamUpdates> ToDeviceStore::updates(std::int64_t from, std::int64_t to, std::size_t limit) {
    // One row an entity, so the range is cut and not the result: what lies beyond must be asked for again,
    // however few rows there were.
    StreamUpdates updates;
    updates.upto = std::min(to, from + static_cast<std::int64_t>(limit));
    updates.limited = updates.upto < to;
    for (const auto row : co_await context_.db.query(kUpdates, from, updates.upto)) {
        updates.rows.emplace_back(row[0].i64(), ToDeviceRow{row[1].str()}.to_json());
    }
    co_return updates;
}

}  // namespace weft::storage
