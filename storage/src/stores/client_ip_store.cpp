#include "weft/storage/client_ip_store.hpp"

#include <map>
#include <tuple>

namespace weft::storage {

namespace {

constexpr Sql kUpsert{"upsert_user_ips", R"sql(
    INSERT INTO user_ips (user_id, access_token, ip, user_agent, device_id, last_seen)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
    ON CONFLICT (user_id, access_token, ip) DO UPDATE
    SET user_agent = EXCLUDED.user_agent, device_id = EXCLUDED.device_id, last_seen = EXCLUDED.last_seen)sql"};

constexpr Sql kUpdateDevices{"update_devices_last_seen", R"sql(
    UPDATE devices AS d SET last_seen = s.last_seen, ip = s.ip, user_agent = s.user_agent
    FROM (
        SELECT DISTINCT ON (user_id, device_id) user_id, device_id, ip, user_agent, last_seen
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
            AS seen(user_id, device_id, ip, user_agent, last_seen)
        WHERE device_id IS NOT NULL ORDER BY user_id, device_id, last_seen DESC
    ) AS s
    WHERE d.user_id = s.user_id AND d.device_id = s.device_id AND NOT d.hidden
      AND COALESCE(d.last_seen, 0) <= s.last_seen)sql"};

constexpr Sql kOfUser{"user_ips_of_user", R"sql(
    SELECT access_token, ip, user_agent, device_id, last_seen FROM user_ips WHERE user_id = $1
    ORDER BY last_seen DESC)sql"};

}  // namespace

Task<void> ClientIpStore::store(std::vector<ClientIp> seen) {
    // One statement cannot touch a row twice; the order of keys is also the order of row locks.
    std::map<std::tuple<std::string, std::string, std::string>, ClientIp> newest;
    for (auto& entry : seen) {
        auto key = std::tuple{entry.user_id, entry.access_token, entry.ip};
        auto& kept = newest.try_emplace(std::move(key), entry).first->second;
        if (entry.last_seen_ms >= kept.last_seen_ms) kept = std::move(entry);
    }
    if (newest.empty()) co_return;

    std::vector<std::string> users, tokens, addresses, agents;
    std::vector<std::optional<std::string>> devices;
    std::vector<std::int64_t> times;
    for (const auto& [key, entry] : newest) {
        users.push_back(entry.user_id);
        tokens.push_back(entry.access_token);
        addresses.push_back(entry.ip);
        agents.push_back(entry.user_agent);
        devices.push_back(entry.device_id);
        times.push_back(entry.last_seen_ms);
    }
    co_await context_.db.run("store_client_ips", [&](Transaction& txn) {
        txn.exec(kUpsert, users, tokens, addresses, agents, devices, times);
        txn.exec(kUpdateDevices, users, devices, addresses, agents, times);
    });
}

Task<std::vector<ClientIp>> ClientIpStore::of_user(std::string user_id) {
    std::vector<ClientIp> seen;
    for (const auto row : co_await context_.db.query(kOfUser, user_id)) {
        ClientIp entry;
        entry.user_id = user_id;
        entry.access_token = row[0].str();
        entry.ip = row[1].str();
        entry.user_agent = row[2].str();
        entry.device_id = row[3].opt_str();
        entry.last_seen_ms = row[4].i64();
        seen.push_back(std::move(entry));
    }
    co_return seen;
}

}  // namespace weft::storage
