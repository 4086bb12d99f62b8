#include "engine/connection.hpp"

#include <array>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "engine/rows_impl.hpp"
#include "weft/core/log.hpp"
#include "weft/core/metrics.hpp"

namespace weft::storage {

namespace {

using Kind = TransientFailure::Kind;

/// Longer names are cut by the server, and two could become one.
constexpr std::size_t kStatementNameBytesMax = 63;

core::Gauge connections_gauge() {
    return core::gauge("weft_db_connections", "Open database connections");
}

std::string describe(std::string_view statement, std::string_view what) {
    while (what.ends_with('\n')) what.remove_suffix(1);
    return fmt::format("database statement {}: {}", statement, what);
}

std::string_view field_of(const PGresult* result, int code) {
    const char* const text = PQresultErrorField(result, code);
    return text != nullptr ? std::string_view{text} : std::string_view{};
}

bool is_open(const PGconn* connection) {
    return PQstatus(connection) == CONNECTION_OK;
}

/// What a failed statement throws, by its SQLSTATE.
[[noreturn]] void fail(std::string_view statement, PGconn* connection, const PGresult* result) {
    if (result == nullptr) {
        const auto text = describe(statement, PQerrorMessage(connection));
        if (is_open(connection)) throw StoreError{text};
        throw TransientFailure{Kind::kDisconnect, text};
    }
    const auto text = describe(statement, PQresultErrorMessage(result));
    const auto state = field_of(result, PG_DIAG_SQLSTATE);
    if (state == "40001" || state == "40P01") throw TransientFailure{Kind::kConflict, text};
    // 08: of the connection; 57P: the server ends it. What libpq says itself of one that has gone has no
    // state.
    if (state.starts_with("08") || state.starts_with("57P") || !is_open(connection))
        throw TransientFailure{Kind::kDisconnect, text};
    if (state == "23505") throw UniqueViolation{text, std::string{field_of(result, PG_DIAG_CONSTRAINT_NAME)}};
    if (state == "WF001") throw LeaseLost{text};
    throw StoreError{text};
}

bool succeeded(const PGresult* result) {
    const auto status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

void check_params(const Sql& sql, const std::vector<Param>& params) {
    for (std::size_t i = 0; i < params.size(); ++i) {
        const auto& text = params[i].text();
        if (!text || text->find('\0') == std::string::npos) continue;
        throw StoreError{describe(
            sql.name, fmt::format("parameter ${} contains U+0000, which PostgreSQL cannot store", i + 1))};
    }
}

Rows to_rows(PgResult result) {
    auto impl = std::make_shared<Rows::Impl>();
    impl->rows = static_cast<std::size_t>(PQntuples(result.get()));
    impl->columns = static_cast<std::size_t>(PQnfields(result.get()));
    impl->result = std::move(result);
    return Rows{std::move(impl)};
}

void log_notice(void*, const char* message) {
    std::string_view text{message};
    while (text.ends_with('\n')) text.remove_suffix(1);
    core::log_warning("database", "{}", text);
}

}  // namespace

/// What was started and has not been finished.
struct Connection::Started {
    Sql sql;
    const std::vector<Param>& params;
    bool is_preparing = false;
    bool is_sent = false;      // all of it has left
    bool is_complete = false;  // all of the answer has come
    PgResult result;
};

/// Within a transaction the first failure is remembered.
template <class Function>
auto Connection::remembering_failure(const Function& function) {
    try {
        return function();
    } catch (const StoreError&) {
        if (in_transaction_ && !failure_) failure_ = std::current_exception();
        throw;
    }
}

Connection::Connection(const std::string& connection_string, const std::string& application_name) {
    // The first is expanded: the others hold where it does not say otherwise, and those after it anyway.
    const std::array keywords{"dbname", "application_name", "client_encoding",
                              static_cast<const char*>(nullptr)};
    const std::array values{connection_string.c_str(), application_name.c_str(), "UTF8",
                            static_cast<const char*>(nullptr)};
    connection_.reset(PQconnectdbParams(keywords.data(), values.data(), 1));
    if (connection_ == nullptr) throw StoreError{describe("connect", "out of memory")};
    if (!is_open(connection_.get()))
        throw TransientFailure{Kind::kDisconnect, describe("connect", PQerrorMessage(connection_.get()))};
    PQsetNoticeProcessor(connection_.get(), log_notice, nullptr);
    run("connect", "SET client_min_messages TO warning; SET jit TO off");
    // What is started must not wait for the socket; libpq's calls that wait for an answer do all the same.
    PQsetnonblocking(connection_.get(), 1);
    // Of its own: libpq closes its socket by itself when the connection breaks, and the number is soon
    // another's.
    descriptor_ = ::dup(PQsocket(connection_.get()));
    if (descriptor_ < 0)
        throw TransientFailure{Kind::kDisconnect, describe("connect", "no file descriptor left")};
    connections_gauge().add(1);
}

Connection::~Connection() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    connections_gauge().add(-1);
}

bool Connection::reusable() const {
    return is_open(connection_.get()) && !started_ && !in_transaction_;
}

bool Connection::usable() const {
    if (!reusable()) return false;
    // Nothing is expected from the server while we are idle: what can be read is its farewell.
    pollfd socket{descriptor_, POLLIN, 0};
    return ::poll(&socket, 1, 0) == 0;
}

void Connection::begin() {
    run("begin", "BEGIN ISOLATION LEVEL REPEATABLE READ");
    in_transaction_ = true;
    failure_ = nullptr;
}

void Connection::commit() {
    // COMMIT of a failed transaction is a rollback that reports success.
    if (failure_) std::rethrow_exception(failure_);
    remembering_failure([this] { run("commit", "COMMIT"); });
    in_transaction_ = false;
}

void Connection::rollback() noexcept {
    failure_ = nullptr;
    if (!in_transaction_) return;
    try {
        run("rollback", "ROLLBACK");
        in_transaction_ = false;
    } catch (const std::exception&) {
        // A connection in an unknown state stays in its transaction, and so is closed, not kept.
    }
}

Rows Connection::execute(const Sql& sql, const std::vector<Param>& params) {
    return remembering_failure([&] {
        start(sql, params);
        return finish();
    });
}

void Connection::execute_script(const std::string& sql) {
    remembering_failure([&] { run("script", sql.c_str()); });
}

void Connection::start(const Sql& sql, const std::vector<Param>& params) {
    const bool prepared = is_prepared(sql);
    check_params(sql, params);
    started_ = std::make_unique<Started>(Started{sql, params, !prepared, false, false, nullptr});
    if (prepared) return send();
    const std::string name{sql.name};
    const std::string text{sql.text};
    if (PQsendPrepare(connection_.get(), name.c_str(), text.c_str(), 0, nullptr) == 0)
        fail(sql.name, connection_.get(), nullptr);
}

bool Connection::is_prepared(const Sql& sql) const {
    const auto found = prepared_.find(sql.name);
    if (found == prepared_.end()) {
        if (sql.name.size() > kStatementNameBytesMax)
            throw StoreError{describe(sql.name, "name is too long")};
        return false;
    }
    if (found->second.data() != sql.text.data() && found->second != sql.text)
        throw StoreError{describe(sql.name, "two different statements have this name")};
    return true;
}

void Connection::send() {
    const auto& params = started_->params;
    std::vector<const char*> values;
    values.reserve(params.size());
    for (const auto& param : params) values.push_back(param.text() ? param.text()->c_str() : nullptr);
    const std::string name{started_->sql.name};
    started_->is_preparing = false;
    started_->is_sent = false;
    started_->is_complete = false;
    started_->result.reset();
    const int count = static_cast<int>(values.size());
    if (PQsendQueryPrepared(connection_.get(), name.c_str(), count, values.data(), nullptr, nullptr, 0) == 0)
        fail(name, connection_.get(), nullptr);
}

void Connection::send_prepared() {
    prepared_.emplace(started_->sql.name, started_->sql.text);
    send();
}

/// Takes what has arrived of the answer; true when that is all.
bool Connection::drain() {
    while (PQisBusy(connection_.get()) == 0) {
        PgResult next{PQgetResult(connection_.get())};
        if (!next) return true;
        started_->result = std::move(next);
    }
    return false;
}

Connection::Awaits Connection::advance() {
    for (;;) {
        if (!started_->is_sent) {
            const int left = PQflush(connection_.get());
            if (left < 0) return Awaits::kNothing;  // finish() says why
            if (left > 0) return Awaits::kWritable;
            started_->is_sent = true;
            return Awaits::kReadable;
        }
        if (PQconsumeInput(connection_.get()) == 0) return Awaits::kNothing;
        if (!drain()) return Awaits::kReadable;
        if (!started_->is_preparing || !succeeded(started_->result.get())) break;
        send_prepared();
    }
    started_->is_complete = true;
    return Awaits::kNothing;
}

Rows Connection::finish() {
    for (;;) {
        while (!started_->is_complete) {
            PgResult next{PQgetResult(connection_.get())};
            if (next) {
                started_->result = std::move(next);
            } else {
                started_->is_complete = true;
            }
        }
        if (!started_->is_preparing || !succeeded(started_->result.get())) break;
        send_prepared();
    }
    auto started = std::exchange(started_, nullptr);
    if (!succeeded(started->result.get())) fail(started->sql.name, connection_.get(), started->result.get());
    return to_rows(std::move(started->result));
}

/// A statement without parameters, or several.
void Connection::run(std::string_view what, const char* text) {
    const PgResult result{PQexec(connection_.get(), text)};
    if (!succeeded(result.get())) fail(what, connection_.get(), result.get());
}

}  // namespace weft::storage
