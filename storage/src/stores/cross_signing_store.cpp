#include "weft/storage/cross_signing_store.hpp"

namespace weft::storage {

namespace {

/// Synapse's workers cache these.
constexpr auto kKeysCache = "_get_bare_e2e_cross_signing_keys";

constexpr Sql kKeys{"get_cross_signing_keys", R"sql(
    SELECT DISTINCT ON (user_id, keytype) user_id, keytype, keydata FROM e2e_cross_signing_keys
    WHERE user_id = ANY ($1::text[]) ORDER BY user_id, keytype, stream_id DESC)sql"};

constexpr Sql kSignatures{"get_key_signatures", R"sql(
    SELECT s.user_id, s.key_id, s.target_user_id, s.target_device_id, s.signature
    FROM unnest($1::text[]) AS target(user_id)
    JOIN e2e_cross_signing_signatures AS s
        ON s.target_user_id = target.user_id AND s.user_id = ANY (ARRAY[target.user_id, $2]))sql"};

constexpr Sql kTakenIds{"get_devices_named_like_keys", R"sql(
    SELECT FROM devices WHERE user_id = $1 AND device_id = ANY ($2::text[]) AND NOT hidden)sql"};

constexpr Sql kReserveIds{"reserve_device_ids", R"sql(
    INSERT INTO devices (user_id, device_id, display_name, hidden)
    SELECT $1, n.public_key, n.type || ' signing key', TRUE FROM unnest($2::text[], $3::text[]) AS n(type, public_key)
    ON CONFLICT (user_id, device_id) DO NOTHING)sql"};

/// The newest row counts; the IDs only have to grow for the user.
constexpr Sql kInsertKeys{"insert_cross_signing_keys", R"sql(
    INSERT INTO e2e_cross_signing_keys (user_id, keytype, keydata, stream_id)
    SELECT $1, n.type, n.json, newest.stream_id + 1
    FROM unnest($2::text[], $3::text[]) AS n(type, json),
        (SELECT COALESCE(max(stream_id), 0) AS stream_id FROM e2e_cross_signing_keys WHERE user_id = $1) AS newest)sql"};

constexpr Sql kReplaceSignatures{"replace_key_signatures", R"sql(
    WITH added(user_id, key_id, target_user_id, target_device_id, signature) AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    ), replaced AS (
        DELETE FROM e2e_cross_signing_signatures AS old USING added AS a
        WHERE old.user_id = a.user_id AND old.key_id = a.key_id AND old.target_user_id = a.target_user_id
            AND old.target_device_id = a.target_device_id)
    INSERT INTO e2e_cross_signing_signatures (user_id, key_id, target_user_id, target_device_id, signature)
    SELECT * FROM added)sql"};

}  // namespace

Task<std::vector<CrossSigningKey>> CrossSigningStore::keys(std::vector<std::string> user_ids) {
    std::vector<CrossSigningKey> out;
    if (user_ids.empty()) co_return out;
    for (const auto row : co_await context_.db.query(kKeys, user_ids)) {
        out.push_back({row[0].str(), row[1].str(), row[2].str()});
    }
    co_return out;
}

Task<std::vector<KeySignature>> CrossSigningStore::signatures(std::vector<std::string> user_ids,
                                                              std::string viewer) {
    std::vector<KeySignature> out;
    if (user_ids.empty()) co_return out;
    for (const auto row : co_await context_.db.query(kSignatures, user_ids, viewer)) {
        out.push_back({row[0].str(), row[1].str(), row[2].str(), row[3].str(), row[4].str()});
    }
    co_return out;
}

Task<bool> CrossSigningStore::set_keys(std::string user_id, std::vector<NewCrossSigningKey> keys) {
    std::vector<std::string> types, public_keys, texts;
    for (auto& key : keys) {
        types.push_back(std::move(key.type));
        public_keys.push_back(std::move(key.public_key));
        texts.push_back(std::move(key.json));
    }
    auto body = [&, this](Transaction& txn) {
        if (!txn.exec(kTakenIds, user_id, public_keys).empty()) return false;
        txn.exec(kReserveIds, user_id, types, public_keys);
        txn.exec(kInsertKeys, user_id, types, texts);
        context_.cache_writer.invalidate(txn, kKeysCache, {user_id});
        return true;
    };
    co_return co_await context_.db.run("set_cross_signing_keys", std::move(body));
}

Task<void> CrossSigningStore::add_signatures(std::vector<KeySignature> signatures) {
    if (signatures.empty()) co_return;
    std::vector<std::string> signers, key_ids, users, targets, texts;
    for (auto& signature : signatures) {
        signers.push_back(std::move(signature.signer));
        key_ids.push_back(std::move(signature.key_id));
        users.push_back(std::move(signature.target_user_id));
        targets.push_back(std::move(signature.target_id));
        texts.push_back(std::move(signature.signature));
    }
    co_await context_.db.query(kReplaceSignatures, signers, key_ids, users, targets, texts);
}

}  // namespace weft::storage
