#include "weft/storage/device_store.hpp"

#include <algorithm>

#include "stores/store_support.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/storage/e2e_key_store.hpp"

namespace weft::storage {

using proto::replication::DeviceListsRow;

namespace {

constexpr Sql kInsert{"insert_device", R"sql(
    INSERT INTO devices (user_id, device_id, display_name, hidden) VALUES ($1, $2, $3, FALSE)
    ON CONFLICT (user_id, device_id) DO NOTHING)sql"};

constexpr Sql kIsHidden{"device_is_hidden",
                        "SELECT hidden FROM devices WHERE user_id = $1 AND device_id = $2"};

constexpr Sql kGet{"get_device", R"sql(
    SELECT user_id, device_id, display_name, last_seen, ip, user_agent FROM devices
    WHERE user_id = $1 AND device_id = $2 AND NOT hidden)sql"};

constexpr Sql kGetAll{"get_devices", R"sql(
    SELECT user_id, device_id, display_name, last_seen, ip, user_agent FROM devices
    WHERE user_id = $1 AND NOT hidden ORDER BY device_id)sql"};

constexpr Sql kSetDisplayName{"set_device_display_name", R"sql(
    UPDATE devices SET display_name = $3 WHERE user_id = $1 AND device_id = $2 AND NOT hidden)sql"};

/// A signature of the device, or about it, would be wrong for another device that takes the ID.
constexpr Sql kDelete{"delete_devices", R"sql(
    WITH inbox AS (DELETE FROM device_inbox WHERE user_id = $1 AND device_id = ANY ($2::text[])),
         sent AS (DELETE FROM to_device_txn WHERE user_id = $1 AND device_id = ANY ($2::text[])),
         keys AS (DELETE FROM e2e_device_keys_json WHERE user_id = $1 AND device_id = ANY ($2::text[])),
         one_time AS (DELETE FROM e2e_one_time_keys_json WHERE user_id = $1 AND device_id = ANY ($2::text[])),
         fallback AS (DELETE FROM e2e_fallback_keys_json WHERE user_id = $1 AND device_id = ANY ($2::text[])),
         dehydrated AS (DELETE FROM dehydrated_devices WHERE user_id = $1 AND device_id = ANY ($2::text[])),
         signatures AS (
            DELETE FROM e2e_cross_signing_signatures
            WHERE user_id = $1 AND target_user_id = $1
                AND (target_device_id = ANY ($2::text[]) OR key_id = ANY ($3::text[])))
    DELETE FROM devices WHERE user_id = $1 AND device_id = ANY ($2::text[]) AND NOT hidden RETURNING device_id)sql"};

/// The newest entry of a device replaces its older ones.
constexpr Sql kDeleteOldChanges{"delete_old_device_list_changes", R"sql(
    DELETE FROM device_lists_stream WHERE user_id = $1 AND device_id = ANY ($2::text[]) AND stream_id < $3)sql"};

constexpr Sql kInsertChanges{"insert_device_list_changes", R"sql(
    INSERT INTO device_lists_stream (user_id, device_id, stream_id)
    SELECT $1, device_id, stream_id FROM unnest($2::text[], $3::bigint[]) AS change(device_id, stream_id))sql"};

constexpr Sql kInsertPokes{"insert_device_list_pokes", R"sql(
    INSERT INTO device_lists_outbound_pokes (user_id, sent, ts, opentracing_context, destination, device_id, stream_id)
    SELECT $1, FALSE, $2, '{}', destination, device_id, stream_id
    FROM unnest($3::text[], $4::text[], $5::bigint[]) AS poke(destination, device_id, stream_id))sql"};

constexpr Sql kUsersChanged{"device_list_users_changed", R"sql(
    SELECT DISTINCT user_id FROM device_lists_stream
    WHERE stream_id > $1 AND stream_id <= $2 AND user_id = ANY ($3::text[]) ORDER BY user_id)sql"};

constexpr Sql kUpdates{"device_list_updates", R"sql(
    SELECT stream_id, entity FROM (
        SELECT stream_id, user_id AS entity FROM device_lists_stream WHERE stream_id > $1 AND stream_id <= $2
        UNION ALL
        SELECT stream_id, destination FROM device_lists_outbound_pokes WHERE stream_id > $1 AND stream_id <= $2
    ) AS changes ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

Device to_device(const Rows::Row& row) {
    Device device;
    device.user_id = row[0].str();
    device.device_id = row[1].str();
    device.display_name = row[2].opt_str();
    device.last_seen_ms = row[3].opt_i64();
    device.last_seen_ip = row[4].opt_str();
    device.user_agent = row[5].opt_str();
    return device;
}

}  // namespace

DeviceStore::DeviceStore(StoreContext context, StreamState& device_lists)
    : context_{std::move(context)}, device_lists_{device_lists} {
    device_lists_.on_invalidate([&stream = device_lists_](std::int64_t token, const StreamRows& rows) {
        for (const auto& json : rows) {
            if (const auto row = DeviceListsRow::parse(json))
                stream.changes().entity_changed(row->entity, token);
        }
    });
}

Task<StoredDevice> DeviceStore::store_device(std::string user_id, std::string device_id,
                                             std::optional<std::string> initial_display_name) {
    const auto inserted = co_await context_.db.query(kInsert, user_id, device_id, initial_display_name);
    if (inserted.affected() == 1) co_return StoredDevice::kCreated;
    const auto rows = co_await context_.db.query(kIsHidden, user_id, device_id);
    const bool hidden = !rows.empty() && rows.front()[0].boolean();
    co_return hidden ? StoredDevice::kReserved : StoredDevice::kExists;
}

Task<std::optional<Device>> DeviceStore::get_device(std::string user_id, std::string device_id) {
    const auto rows = co_await context_.db.query(kGet, user_id, device_id);
    if (rows.empty()) co_return std::nullopt;
    co_return to_device(rows.front());
}

Task<std::vector<Device>> DeviceStore::get_devices(std::string user_id) {
    std::vector<Device> devices;
    for (const auto row : co_await context_.db.query(kGetAll, user_id)) devices.push_back(to_device(row));
    co_return devices;
}

Task<bool> DeviceStore::set_display_name(std::string user_id, std::string device_id,
                                         std::optional<std::string> display_name) {
    const auto result = co_await context_.db.query(kSetDisplayName, user_id, device_id, display_name);
    co_return result.affected() == 1;
}

Task<std::vector<std::string>> DeviceStore::delete_devices(std::string user_id,
                                                           std::vector<std::string> device_ids) {
    std::vector<std::string> key_ids;
    for (const auto& device_id : device_ids) key_ids.push_back("ed25519:" + device_id);
    auto body = [&, this](Transaction& txn) {
        std::vector<std::string> deleted;
        std::vector<std::vector<std::string>> cache_keys;
        for (const auto row : txn.exec(kDelete, user_id, device_ids, key_ids)) {
            deleted.push_back(row[0].str());
            cache_keys.push_back({user_id, deleted.back()});
        }
        context_.cache_writer.invalidate_each(txn, kOneTimeKeyCountCache, cache_keys);
        return deleted;
    };
    co_return co_await context_.db.run("delete_devices", std::move(body));
}

Task<std::int64_t> DeviceStore::add_changes(std::string user_id, std::vector<std::string> device_ids,
                                            std::vector<std::string> hosts) {
    if (device_ids.empty()) co_return device_lists_.current();
    if (remote_) co_return co_await remote_(std::move(user_id), std::move(device_ids), std::move(hosts));
    auto ids = device_lists_.allocate(device_ids.size() * (1 + hosts.size()));
    std::vector<std::pair<std::int64_t, boost::json::value>> rows;
    std::vector<std::int64_t> change_ids, poke_ids;
    std::vector<std::string> poke_hosts, poke_devices;
    auto next = ids.ids().begin();
    for (std::size_t i = 0; i < device_ids.size(); ++i) {
        change_ids.push_back(*next++);
        rows.emplace_back(change_ids.back(), DeviceListsRow{user_id}.to_json());
    }
    for (const auto& host : hosts) {
        for (const auto& device_id : device_ids) {
            poke_ids.push_back(*next++);
            poke_hosts.push_back(host);
            poke_devices.push_back(device_id);
            rows.emplace_back(poke_ids.back(), DeviceListsRow{host}.to_json());
        }
    }
    co_await context_.db.run("add_device_changes", [&, now_ms = context_.clock.now_ms()](Transaction& txn) {
        txn.exec(kDeleteOldChanges, user_id, device_ids, change_ids.front());
        txn.exec(kInsertChanges, user_id, device_ids, change_ids);
        if (!poke_ids.empty()) txn.exec(kInsertPokes, user_id, now_ms, poke_hosts, poke_devices, poke_ids);
    });
    const auto newest = ids.last();
    device_lists_.publish(std::move(ids), std::move(rows));
    co_return newest;
}

Task<std::vector<std::string>> DeviceStore::users_changed(std::vector<std::string> users, std::int64_t from,
                                                          std::int64_t to) {
    const auto& changes = device_lists_.changes();
    std::erase_if(users, [&](const std::string& user) { return !changes.has_changed(user, from); });
    std::vector<std::string> changed;
    if (users.empty() || from >= to) co_return changed;
    for (const auto row : co_await context_.db.query(kUsersChanged, from, to, users))
        changed.push_back(row[0].str());
    co_return changed;
}

Task<StreamUpdates> DeviceStore::updates(std::int64_t from, std::int64_t to, std::size_t limit) {
    const auto rows = co_await context_.db.query(kUpdates, from, to, limit);
    co_return make_updates(rows, to, limit,
                           [](const Rows::Row& row) { return DeviceListsRow{row[1].str()}.to_json(); });
}

}  // namespace weft::storage
