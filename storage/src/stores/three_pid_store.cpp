#include "weft/storage/three_pid_store.hpp"

namespace weft::storage {
namespace {

constexpr Sql kOfUser{"three_pids_of_user", R"sql(
    SELECT medium, address, validated_at, added_at FROM user_threepids WHERE user_id = $1
    ORDER BY medium, address)sql"};

constexpr Sql kOwner{"three_pid_owner",
                     "SELECT user_id FROM user_threepids WHERE medium = $1 AND address = $2"};

constexpr Sql kAdd{"add_three_pid", R"sql(
    INSERT INTO user_threepids (user_id, medium, address, validated_at, added_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (medium, address) DO UPDATE SET validated_at = excluded.validated_at
    WHERE user_threepids.user_id = excluded.user_id RETURNING user_id)sql"};

constexpr Sql kRemove{"remove_three_pid", R"sql(
    DELETE FROM user_threepids WHERE user_id = $1 AND medium = $2 AND address = $3)sql"};
constexpr Sql kRemoveAll{"remove_three_pids", R"sql(
    WITH servers AS (DELETE FROM user_threepid_id_server WHERE user_id = $1)
    DELETE FROM user_threepids WHERE user_id = $1)sql"};

constexpr Sql kBoundOfUser{"bound_three_pids", R"sql(
    SELECT medium, address, id_server FROM user_threepid_id_server WHERE user_id = $1
    ORDER BY medium, address, id_server)sql"};
constexpr Sql kAddBound{"add_bound_three_pid", R"sql(
    INSERT INTO user_threepid_id_server (user_id, medium, address, id_server) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING)sql"};
constexpr Sql kRemoveBound{"remove_bound_three_pid", R"sql(
    DELETE FROM user_threepid_id_server
    WHERE user_id = $1 AND medium = $2 AND address = $3 AND id_server = $4)sql"};

constexpr Sql kFindSession{"find_three_pid_session", R"sql(
    SELECT session_id, medium, address, client_secret, last_send_attempt, validated_at
    FROM threepid_validation_session
    WHERE medium = $1 AND address = $2 AND client_secret = $3 AND validated_at IS NULL)sql"};

constexpr Sql kGetSession{"get_three_pid_session", R"sql(
    SELECT session_id, medium, address, client_secret, last_send_attempt, validated_at
    FROM threepid_validation_session WHERE session_id = $1)sql"};

constexpr Sql kRemoveExpired{"remove_expired_three_pid_tokens",
                             "DELETE FROM threepid_validation_token WHERE expires < $1"};
constexpr Sql kPutSession{"put_three_pid_session", R"sql(
    INSERT INTO threepid_validation_session (session_id, medium, address, client_secret, last_send_attempt)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (session_id) DO UPDATE SET last_send_attempt = excluded.last_send_attempt)sql"};
constexpr Sql kAddToken{"add_three_pid_token", R"sql(
    INSERT INTO threepid_validation_token (token, session_id, next_link, expires) VALUES ($1, $2, $3, $4))sql"};

constexpr Sql kFindToken{"find_three_pid_token", R"sql(
    SELECT token, next_link, expires FROM threepid_validation_token
    WHERE session_id = $1 AND token = $2 AND expires >= $3)sql"};

constexpr Sql kSetValidated{"set_three_pid_session_validated", R"sql(
    UPDATE threepid_validation_session SET validated_at = $2
    WHERE session_id = $1 AND validated_at IS NULL)sql"};

constexpr Sql kRemoveSession{"remove_three_pid_session", R"sql(
    WITH tokens AS (DELETE FROM threepid_validation_token WHERE session_id = $1)
    DELETE FROM threepid_validation_session WHERE session_id = $1)sql"};

std::optional<ThreePidSession> to_session(const Rows& rows) {
    if (rows.empty()) return std::nullopt;
    const auto row = rows.front();
    return ThreePidSession{row[0].str(), row[1].str(), row[2].str(),
                           row[3].str(), row[4].i64(), row[5].opt_i64()};
}

}  // namespace

Task<std::vector<ThreePid>> ThreePidStore::of_user(std::string user_id) {
    std::vector<ThreePid> found;
    for (const auto row : co_await context_.db.query(kOfUser, user_id)) {
        found.push_back({row[0].str(), row[1].str(), row[2].i64(), row[3].i64()});
    }
    co_return found;
}

Task<std::optional<std::string>> ThreePidStore::owner_of(std::string medium, std::string address) {
    const auto rows = co_await context_.db.query(kOwner, medium, address);
    if (rows.empty()) co_return std::nullopt;
    co_return rows.front()[0].str();
}

Task<bool> ThreePidStore::add(std::string user_id, std::string medium, std::string address,
                              std::int64_t validated_ms) {
    const auto rows =
        co_await context_.db.query(kAdd, user_id, medium, address, validated_ms, context_.clock.now_ms());
    co_return !rows.empty();
}

Task<bool> ThreePidStore::remove(std::string user_id, std::string medium, std::string address) {
    co_return (co_await context_.db.query(kRemove, user_id, medium, address)).affected() > 0;
}

Task<void> ThreePidStore::remove_all(std::string user_id) {
    co_await context_.db.query(kRemoveAll, user_id);
}

Task<std::vector<BoundThreePid>> ThreePidStore::bound_of_user(std::string user_id) {
    std::vector<BoundThreePid> found;
    for (const auto row : co_await context_.db.query(kBoundOfUser, user_id))
        found.push_back({{row[0].str(), row[1].str()}, row[2].str()});
    co_return found;
}

Task<void> ThreePidStore::add_bound(std::string user_id, BoundThreePid bound) {
    co_await context_.db.query(kAddBound, user_id, bound.what.medium, bound.what.address, bound.id_server);
}

Task<void> ThreePidStore::remove_bound(std::string user_id, BoundThreePid bound) {
    co_await context_.db.query(kRemoveBound, user_id, bound.what.medium, bound.what.address, bound.id_server);
}

Task<std::optional<ThreePidSession>> ThreePidStore::find_session(std::string medium, std::string address,
                                                                 std::string client_secret) {
    co_return to_session(co_await context_.db.query(kFindSession, medium, address, client_secret));
}

Task<std::optional<ThreePidSession>> ThreePidStore::get_session(std::string session_id) {
    co_return to_session(co_await context_.db.query(kGetSession, session_id));
}

Task<void> ThreePidStore::start_session(ThreePidSession session, ThreePidToken token) {
    co_await context_.db.run("start_three_pid_session", [&, this](Transaction& txn) {
        txn.exec(kRemoveExpired, context_.clock.now_ms());
        txn.exec(kPutSession, session.session_id, session.medium, session.address, session.client_secret,
                 session.last_send_attempt);
        txn.exec(kAddToken, token.token, session.session_id, token.next_link, token.expires_ms);
    });
}

Task<std::optional<ThreePidToken>> ThreePidStore::find_token(std::string session_id, std::string token) {
    const auto rows = co_await context_.db.query(kFindToken, session_id, token, context_.clock.now_ms());
    if (rows.empty()) co_return std::nullopt;
    const auto row = rows.front();
    co_return ThreePidToken{row[0].str(), row[1].opt_str(), row[2].i64()};
}

Task<void> ThreePidStore::set_validated(std::string session_id) {
    co_await context_.db.query(kSetValidated, session_id, context_.clock.now_ms());
}

Task<void> ThreePidStore::remove_session(std::string session_id) {
    co_await context_.db.query(kRemoveSession, session_id);
}

}  // namespace weft::storage
