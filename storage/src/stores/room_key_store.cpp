#include "weft/storage/room_key_store.hpp"

namespace weft::storage {

namespace {

/// Deleted versions keep their number.
constexpr Sql kCreateVersion{"create_room_key_version", R"sql(
    INSERT INTO e2e_room_keys_versions (user_id, version, algorithm, auth_data, deleted, etag)
    SELECT $1, COALESCE(max(version), 0) + 1, $2, $3, 0, 0 FROM e2e_room_keys_versions WHERE user_id = $1
    RETURNING version)sql"};

constexpr Sql kVersion{"get_room_key_version", R"sql(
    SELECT v.version, v.algorithm, v.auth_data, COALESCE(v.etag, 0),
        (SELECT count(*) FROM e2e_room_keys AS k WHERE k.user_id = v.user_id AND k.version = v.version)
    FROM e2e_room_keys_versions AS v
    WHERE v.user_id = $1 AND ($2::bigint IS NULL OR v.version = $2) AND v.deleted = 0
    ORDER BY v.version DESC LIMIT 1)sql"};

constexpr Sql kSetAuthData{"set_room_key_auth_data", R"sql(
    UPDATE e2e_room_keys_versions SET auth_data = $3 WHERE user_id = $1 AND version = $2 AND deleted = 0)sql"};

constexpr Sql kDeleteVersion{"delete_room_key_version", R"sql(
    WITH keys AS (DELETE FROM e2e_room_keys WHERE user_id = $1 AND version = $2)
    UPDATE e2e_room_keys_versions SET deleted = 1 WHERE user_id = $1 AND version = $2)sql"};

constexpr Sql kCurrentVersion{"lock_current_room_key_version", R"sql(
    SELECT version FROM e2e_room_keys_versions WHERE user_id = $1 AND deleted = 0
    ORDER BY version DESC LIMIT 1 FOR UPDATE)sql"};

constexpr Sql kVersionExists{"room_key_version_exists", R"sql(
    SELECT FROM e2e_room_keys_versions WHERE user_id = $1 AND version = $2 AND deleted = 0 FOR UPDATE)sql"};

constexpr Sql kPut{"put_room_keys", R"sql(
    INSERT INTO e2e_room_keys AS known
        (user_id, version, room_id, session_id, first_message_index, forwarded_count, is_verified, session_data)
    SELECT $1, $2, n.* FROM unnest($3::text[], $4::text[], $5::int[], $6::int[], $7::boolean[], $8::text[])
        AS n(room_id, session_id, first_message_index, forwarded_count, is_verified, session_data)
    ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET
        first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,
        is_verified = excluded.is_verified, session_data = excluded.session_data
    WHERE (excluded.is_verified, -excluded.first_message_index, -excluded.forwarded_count)
        > (known.is_verified, -known.first_message_index, -known.forwarded_count))sql"};

constexpr Sql kKeys{"get_room_keys", R"sql(
    SELECT room_id, session_id, COALESCE(first_message_index, 0), COALESCE(forwarded_count, 0), is_verified, session_data
    FROM e2e_room_keys
    WHERE user_id = $1 AND version = $2 AND ($3::text IS NULL OR room_id = $3) AND ($4::text IS NULL OR session_id = $4)
    ORDER BY room_id, session_id)sql"};

constexpr Sql kDeleteKeys{"delete_room_keys", R"sql(
    DELETE FROM e2e_room_keys
    WHERE user_id = $1 AND version = $2 AND ($3::text IS NULL OR room_id = $3) AND ($4::text IS NULL OR session_id = $4))sql"};

/// $3: how many changes there were. Returns the state after them.
constexpr Sql kTouch{"touch_room_key_version", R"sql(
    UPDATE e2e_room_keys_versions SET etag = COALESCE(etag, 0) + ($3 > 0)::int WHERE user_id = $1 AND version = $2
    RETURNING etag, (SELECT count(*) FROM e2e_room_keys WHERE user_id = $1 AND version = $2))sql"};

RoomKeyBackupState touch(Transaction& txn, const std::string& user_id, std::int64_t version,
                         std::size_t changes) {
    const auto rows = txn.exec(kTouch, user_id, version, changes);
    return {rows.front()[0].i64(), rows.front()[1].i64()};
}

std::size_t put(Transaction& txn, const std::string& user_id, std::int64_t version,
                const std::vector<RoomKey>& keys) {
    std::vector<std::string> rooms, sessions, texts;
    std::vector<std::int64_t> indexes, counts;
    std::vector<bool> verified;
    for (const auto& key : keys) {
        rooms.push_back(key.room_id);
        sessions.push_back(key.session_id);
        indexes.push_back(key.first_message_index);
        counts.push_back(key.forwarded_count);
        verified.push_back(key.is_verified);
        texts.push_back(key.session_data);
    }
    return txn.exec(kPut, user_id, version, rooms, sessions, indexes, counts, verified, texts).affected();
}

}  // namespace

Task<std::int64_t> RoomKeyStore::create_version(std::string user_id, std::string algorithm,
                                                std::string auth_data) {
    const auto rows = co_await context_.db.query(kCreateVersion, user_id, algorithm, auth_data);
    co_return rows.front()[0].i64();
}

Task<std::optional<RoomKeyBackupVersion>> RoomKeyStore::version(std::string user_id,
                                                                std::optional<std::int64_t> version) {
    const auto rows = co_await context_.db.query(kVersion, user_id, version);
    if (rows.empty()) co_return std::nullopt;
    const auto row = rows.front();
    RoomKeyBackupVersion out;
    out.version = row[0].i64();
    out.algorithm = row[1].str();
    out.auth_data = row[2].str();
    out.etag = row[3].i64();
    out.count = row[4].i64();
    co_return out;
}

Task<bool> RoomKeyStore::set_auth_data(std::string user_id, std::int64_t version, std::string auth_data) {
    co_return (co_await context_.db.query(kSetAuthData, user_id, version, auth_data)).affected() > 0;
}

Task<bool> RoomKeyStore::delete_version(std::string user_id, std::int64_t version) {
    co_return (co_await context_.db.query(kDeleteVersion, user_id, version)).affected() > 0;
}

Task<RoomKeysPut> RoomKeyStore::put_keys(std::string user_id, std::int64_t version,
                                         std::vector<RoomKey> keys) {
    auto body = [&](Transaction& txn) {
        RoomKeysPut out;
        const auto current = txn.exec(kCurrentVersion, user_id);
        if (current.empty()) return out;
        out.current_version = current.front()[0].i64();
        out.version_exists =
            out.current_version == version || !txn.exec(kVersionExists, user_id, version).empty();
        if (out.current_version != version) return out;
        const auto changes = keys.empty() ? 0 : put(txn, user_id, version, keys);
        out.state = touch(txn, user_id, version, changes);
        return out;
    };
    co_return co_await context_.db.run("put_room_keys", std::move(body));
}

Task<std::vector<RoomKey>> RoomKeyStore::keys(std::string user_id, std::int64_t version,
                                              RoomKeySelection selection) {
    std::vector<RoomKey> out;
    for (const auto row :
         co_await context_.db.query(kKeys, user_id, version, selection.room_id, selection.session_id)) {
        out.push_back(
            {row[0].str(), row[1].str(), row[2].i64(), row[3].i64(), row[4].boolean(), row[5].str()});
    }
    co_return out;
}

Task<std::optional<RoomKeyBackupState>> RoomKeyStore::delete_keys(std::string user_id, std::int64_t version,
                                                                  RoomKeySelection selection) {
    auto body = [&](Transaction& txn) -> std::optional<RoomKeyBackupState> {
        if (txn.exec(kVersionExists, user_id, version).empty()) return std::nullopt;
        const auto deleted = txn.exec(kDeleteKeys, user_id, version, selection.room_id, selection.session_id);
        return touch(txn, user_id, version, deleted.affected());
    };
    co_return co_await context_.db.run("delete_room_keys", std::move(body));
}

}  // namespace weft::storage
