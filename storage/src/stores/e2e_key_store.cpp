#include "weft/storage/e2e_key_store.hpp"

#include <set>

#include "weft/proto/e2e_keys.hpp"

namespace weft::storage {

namespace {

constexpr std::size_t kCacheEntries = 20'000;
constexpr auto kUsualAlgorithm = "signed_curve25519";

/// Holds the device against its deletion until the keys are in.
constexpr Sql kLockDevice{"lock_device_for_keys", R"sql(
    SELECT FROM devices WHERE user_id = $1 AND device_id = $2 AND NOT hidden FOR KEY SHARE)sql"};

constexpr Sql kSetDeviceKeys{"set_device_keys", R"sql(
    INSERT INTO e2e_device_keys_json AS known (user_id, device_id, ts_added_ms, key_json) VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id, device_id) DO UPDATE SET ts_added_ms = excluded.ts_added_ms, key_json = excluded.key_json
    WHERE known.key_json <> excluded.key_json)sql"};

/// They were made over the keys that the device had before.
constexpr Sql kForgetSignatures{"forget_device_signatures", R"sql(
    DELETE FROM e2e_cross_signing_signatures
    WHERE user_id = $1 AND target_user_id = $1 AND (target_device_id = $2 OR key_id = 'ed25519:' || $2))sql"};

constexpr Sql kSameNames{"one_time_keys_of_same_name", R"sql(
    SELECT k.algorithm, k.key_id, k.key_json
    FROM unnest($3::text[], $4::text[]) AS n(algorithm, key_id)
    JOIN e2e_one_time_keys_json AS k
        ON k.user_id = $1 AND k.device_id = $2 AND k.algorithm = n.algorithm AND k.key_id = n.key_id)sql"};

constexpr Sql kInsertOneTimeKeys{"insert_one_time_keys", R"sql(
    INSERT INTO e2e_one_time_keys_json (user_id, device_id, algorithm, key_id, ts_added_ms, key_json)
    SELECT $1, $2, n.algorithm, n.key_id, $3, n.json
    FROM unnest($4::text[], $5::text[], $6::text[]) AS n(algorithm, key_id, json)
    ON CONFLICT (user_id, device_id, algorithm, key_id) DO NOTHING)sql"};

/// The same key again says nothing about whether it was used.
constexpr Sql kSetFallbackKeys{"set_fallback_keys", R"sql(
    INSERT INTO e2e_fallback_keys_json AS known (user_id, device_id, algorithm, key_id, key_json, used)
    SELECT $1, $2, n.algorithm, n.key_id, n.json, FALSE
    FROM unnest($3::text[], $4::text[], $5::text[]) AS n(algorithm, key_id, json)
    ON CONFLICT (user_id, device_id, algorithm) DO UPDATE
    SET key_id = excluded.key_id, key_json = excluded.key_json, used = FALSE
    WHERE known.key_id <> excluded.key_id OR known.key_json <> excluded.key_json)sql"};

constexpr Sql kCounts{"count_device_keys", R"sql(
    SELECT algorithm, count(*) FROM e2e_one_time_keys_json
    WHERE user_id = $1 AND device_id = $2 GROUP BY algorithm
    UNION ALL
    SELECT algorithm, NULL FROM e2e_fallback_keys_json
    WHERE user_id = $1 AND device_id = $2 AND NOT used
    ORDER BY 1)sql"};

constexpr Sql kDeviceKeys{"get_device_keys", R"sql(
    SELECT k.user_id, k.device_id, k.key_json, d.display_name
    FROM unnest($1::text[], $2::text[]) AS wanted(user_id, device_id)
    JOIN e2e_device_keys_json AS k
        ON k.user_id = wanted.user_id AND (wanted.device_id IS NULL OR k.device_id = wanted.device_id)
    JOIN devices AS d ON d.user_id = k.user_id AND d.device_id = k.device_id AND NOT d.hidden)sql"};

/// Who claims at the same time passes over a row that is locked here, and takes the next.
constexpr Sql kClaim{"claim_one_time_keys", R"sql(
    WITH chosen AS MATERIALIZED (
        SELECT k.user_id, k.device_id, k.algorithm, k.key_id
        FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted(user_id, device_id, algorithm)
        CROSS JOIN LATERAL (
            SELECT user_id, device_id, algorithm, key_id FROM e2e_one_time_keys_json
            WHERE user_id = wanted.user_id AND device_id = wanted.device_id AND algorithm = wanted.algorithm
            ORDER BY ts_added_ms, key_id LIMIT 1 FOR UPDATE SKIP LOCKED) AS k)
    DELETE FROM e2e_one_time_keys_json AS k USING chosen AS c
    WHERE k.user_id = c.user_id AND k.device_id = c.device_id AND k.algorithm = c.algorithm AND k.key_id = c.key_id
    RETURNING k.user_id, k.device_id, k.algorithm, k.key_id, k.key_json)sql"};

constexpr Sql kFallbackKeys{"get_fallback_keys", R"sql(
    SELECT k.user_id, k.device_id, k.algorithm, k.key_id, k.key_json, k.used
    FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted(user_id, device_id, algorithm)
    JOIN e2e_fallback_keys_json AS k
        ON k.user_id = wanted.user_id AND k.device_id = wanted.device_id AND k.algorithm = wanted.algorithm)sql"};

constexpr Sql kMarkUsed{"mark_fallback_keys_used", R"sql(
    UPDATE e2e_fallback_keys_json AS k SET used = TRUE
    FROM unnest($1::text[], $2::text[], $3::text[]) AS claimed(user_id, device_id, algorithm)
    WHERE k.user_id = claimed.user_id AND k.device_id = claimed.device_id AND k.algorithm = claimed.algorithm)sql"};

struct Columns {
    std::vector<std::string> algorithms, ids, texts;
    explicit Columns(const std::vector<OneTimeKey>& keys) {
        for (const auto& key : keys) {
            algorithms.push_back(key.algorithm);
            ids.push_back(key.key_id);
            texts.push_back(key.json);
        }
    }
};

struct ClaimColumns {
    std::vector<std::string> users, devices, algorithms;
    void add(const std::string& user_id, const std::string& device_id, const std::string& algorithm) {
        users.push_back(user_id);
        devices.push_back(device_id);
        algorithms.push_back(algorithm);
    }
    std::vector<std::vector<std::string>> devices_of_users() const {
        std::vector<std::vector<std::string>> out;
        for (std::size_t i = 0; i < users.size(); ++i) out.push_back({users[i], devices[i]});
        return out;
    }
};

DeviceKeyCounts to_counts(const Rows& rows) {
    DeviceKeyCounts counts;
    counts.one_time[kUsualAlgorithm] = 0;
    for (const auto row : rows) {
        if (const auto count = row[1].opt_i64()) {
            counts.one_time[row[0].str()] = *count;
        } else {
            counts.unused_fallback_types.push_back(row[0].str());
        }
    }
    return counts;
}

/// Drops from `keys` what is stored already; a key whose name another key has.
std::optional<OneTimeKey> drop_known(Transaction& txn, const std::string& user_id,
                                     const std::string& device_id, std::vector<OneTimeKey>& keys) {
    const Columns names{keys};
    std::map<KeyPair, std::string> known;
    for (const auto row : txn.exec(kSameNames, user_id, device_id, names.algorithms, names.ids)) {
        known.emplace(KeyPair{row[0].str(), row[1].str()}, row[2].str());
    }
    for (const auto& key : keys) {
        const auto found = known.find({key.algorithm, key.key_id});
        if (found == known.end()) continue;
        const auto stored = proto::parse_json(found->second);
        const auto wanted = proto::parse_json(key.json);
        if (!stored || !wanted || !proto::same_one_time_key(*stored, *wanted)) return key;
    }
    std::erase_if(keys, [&](const OneTimeKey& key) { return known.contains({key.algorithm, key.key_id}); });
    return std::nullopt;
}

ClaimedKey to_claimed(const Rows::Row& row) {
    return {row[0].str(), row[1].str(), {row[2].str(), row[3].str(), row[4].str()}};
}

}  // namespace

E2eKeyStore::E2eKeyStore(StoreContext context)
    : context_{std::move(context)},
      counts_{kOneTimeKeyCountCache, context_.scaled(kCacheEntries), context_.executor} {
    for (const auto* name : {kOneTimeKeyCountCache, kUnusedFallbackCache}) {
        context_.caches.add(
            name, [this](const std::vector<std::string>& keys) { forget_counts(keys); },
            [this] { counts_.invalidate_all(); });
    }
}

void E2eKeyStore::forget_counts(const std::vector<std::string>& keys) {
    if (keys.size() < 2) return;
    counts_.invalidate({keys[0], keys[1]});
    if (counts_changed_) counts_changed_(keys[0], keys[1]);
}

Task<KeyUploadOutcome> E2eKeyStore::upload(KeyUpload upload) {
    const auto now_ms = context_.clock.now_ms();
    auto body = [this, now_ms, &upload](Transaction& txn) {
        KeyUploadOutcome out;
        const auto& user_id = upload.user_id;
        const auto& device_id = upload.device_id;
        out.device_exists = !txn.exec(kLockDevice, user_id, device_id).empty();
        if (!out.device_exists) return out;
        auto fresh = upload.one_time_keys;
        if (!fresh.empty()) out.conflict = drop_known(txn, user_id, device_id, fresh);
        if (out.conflict) return out;

        if (upload.device_keys) {
            const auto set = txn.exec(kSetDeviceKeys, user_id, device_id, now_ms, *upload.device_keys);
            out.device_keys_changed = set.affected() > 0;
            if (out.device_keys_changed) txn.exec(kForgetSignatures, user_id, device_id);
        }
        if (!fresh.empty()) {
            const Columns keys{fresh};
            txn.exec(kInsertOneTimeKeys, user_id, device_id, now_ms, keys.algorithms, keys.ids, keys.texts);
            context_.cache_writer.invalidate(txn, kOneTimeKeyCountCache, {user_id, device_id});
        }
        if (!upload.fallback_keys.empty()) {
            const Columns keys{upload.fallback_keys};
            const auto set =
                txn.exec(kSetFallbackKeys, user_id, device_id, keys.algorithms, keys.ids, keys.texts);
            if (set.affected() > 0)
                context_.cache_writer.invalidate(txn, kUnusedFallbackCache, {user_id, device_id});
        }
        out.counts = to_counts(txn.exec(kCounts, user_id, device_id));
        return out;
    };
    co_return co_await context_.db.run("upload_keys", std::move(body));
}

Task<std::vector<PublishedDeviceKeys>> E2eKeyStore::device_keys(std::vector<DeviceKeysWanted> wanted) {
    std::vector<PublishedDeviceKeys> out;
    if (wanted.empty()) co_return out;
    std::vector<std::string> users;
    std::vector<std::optional<std::string>> devices;
    for (auto& item : wanted) {
        users.push_back(std::move(item.user_id));
        devices.push_back(std::move(item.device_id));
    }
    for (const auto row : co_await context_.db.query(kDeviceKeys, users, devices)) {
        out.push_back({row[0].str(), row[1].str(), row[2].str(), row[3].opt_str()});
    }
    co_return out;
}

Task<std::vector<ClaimedKey>> E2eKeyStore::claim(std::vector<KeyClaim> claims) {
    if (claims.empty()) co_return std::vector<ClaimedKey>{};
    auto body = [this, &claims](Transaction& txn) {
        std::vector<ClaimedKey> out;
        ClaimColumns wanted;
        for (const auto& claim : claims) wanted.add(claim.user_id, claim.device_id, claim.algorithm);
        ClaimColumns taken;
        std::set<std::vector<std::string>> served;
        for (const auto row : txn.exec(kClaim, wanted.users, wanted.devices, wanted.algorithms)) {
            out.push_back(to_claimed(row));
            taken.add(out.back().user_id, out.back().device_id, out.back().key.algorithm);
            served.insert({out.back().user_id, out.back().device_id, out.back().key.algorithm});
        }
        context_.cache_writer.invalidate_each(txn, kOneTimeKeyCountCache, taken.devices_of_users());
        if (served.size() == claims.size()) return out;

        ClaimColumns rest;
        for (const auto& claim : claims) {
            if (!served.contains({claim.user_id, claim.device_id, claim.algorithm}))
                rest.add(claim.user_id, claim.device_id, claim.algorithm);
        }
        ClaimColumns first_used;
        for (const auto row : txn.exec(kFallbackKeys, rest.users, rest.devices, rest.algorithms)) {
            out.push_back(to_claimed(row));
            if (!row[5].boolean())
                first_used.add(out.back().user_id, out.back().device_id, out.back().key.algorithm);
        }
        if (first_used.users.empty()) return out;
        txn.exec(kMarkUsed, first_used.users, first_used.devices, first_used.algorithms);
        context_.cache_writer.invalidate_each(txn, kUnusedFallbackCache, first_used.devices_of_users());
        return out;
    };
    co_return co_await context_.db.run("claim_keys", std::move(body));
}

Task<std::shared_ptr<const DeviceKeyCounts>> E2eKeyStore::counts(std::string user_id, std::string device_id) {
    std::function<Task<DeviceKeyCounts>(KeyPair)> load = [this](KeyPair key) -> Task<DeviceKeyCounts> {
        co_return to_counts(co_await context_.db.query(kCounts, key.first, key.second));
    };
    co_return co_await counts_.get({std::move(user_id), std::move(device_id)}, std::move(load));
}

}  // namespace weft::storage
