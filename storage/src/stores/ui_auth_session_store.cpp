#include "weft/storage/ui_auth_session_store.hpp"

namespace weft::storage {
namespace {

constexpr Sql kGet{"get_ui_auth_session", R"sql(
    SELECT s.method, s.uri, s.clientdict, s.serverdict, c.stage_type, c.result
    FROM ui_auth_sessions AS s LEFT JOIN ui_auth_sessions_credentials AS c USING (session_id)
    WHERE session_id = $1)sql"};

constexpr Sql kCompleteStage{"complete_ui_auth_stage", R"sql(
    WITH session AS (
        INSERT INTO ui_auth_sessions (session_id, creation_time, method, uri, clientdict, serverdict, description)
        VALUES ($1, $2, $3, $4, $5, $6, '')
        ON CONFLICT (session_id) DO UPDATE SET clientdict = excluded.clientdict
        RETURNING session_id)
    INSERT INTO ui_auth_sessions_credentials (session_id, stage_type, result)
    SELECT session_id, $7, $8 FROM session
    ON CONFLICT (session_id, stage_type) DO NOTHING)sql"};

constexpr Sql kSetServerData{"set_ui_auth_server_data",
                             "UPDATE ui_auth_sessions SET serverdict = $2 WHERE session_id = $1"};

constexpr Sql kRemoveOldCredentials{"remove_old_ui_auth_credentials", R"sql(
    DELETE FROM ui_auth_sessions_credentials WHERE session_id IN
    (SELECT session_id FROM ui_auth_sessions WHERE creation_time < $1))sql"};

constexpr Sql kRemoveOldSessions{"remove_old_ui_auth_sessions",
                                 "DELETE FROM ui_auth_sessions WHERE creation_time < $1"};

}  // namespace

Task<std::optional<UiAuthSession>> UiAuthSessionStore::get(std::string session_id) {
    const auto rows = co_await context_.db.query(kGet, session_id);
    if (rows.empty()) co_return std::nullopt;
    UiAuthSession session;
    session.session_id = std::move(session_id);
    session.method = rows.front()[0].str();
    session.uri = rows.front()[1].str();
    session.client_data = rows.front()[2].str();
    session.server_data = rows.front()[3].str();
    for (const auto row : rows) {
        if (!row[4].is_null()) session.stages.emplace(row[4].str(), row[5].str());
    }
    co_return session;
}

Task<void> UiAuthSessionStore::complete_stage(UiAuthSession session, std::string stage, std::string result) {
    co_await context_.db.query(kCompleteStage, session.session_id, now_ms(), session.method, session.uri,
                               session.client_data, session.server_data, stage, result);
}

Task<void> UiAuthSessionStore::set_server_data(std::string session_id, std::string server_data) {
    co_await context_.db.query(kSetServerData, session_id, server_data);
}

Task<void> UiAuthSessionStore::remove_begun_before(std::int64_t time_ms) {
    auto body = [time_ms](Transaction& txn) {
        txn.exec(kRemoveOldCredentials, time_ms);
        txn.exec(kRemoveOldSessions, time_ms);
    };
    co_await context_.db.run("remove_old_ui_auth_sessions", std::move(body));
}

}  // namespace weft::storage
