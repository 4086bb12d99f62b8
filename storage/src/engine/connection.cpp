#include "engine/connection.hpp"

#include <map>

#include <fmt/format.h>
#include <poll.h>
#include <pqxx/pqxx>

#include "engine/rows_impl.hpp"
#include "weft/core/metrics.hpp"

namespace weft::storage {

namespace {

/// Longer names are cut by the server, and two could become one.
constexpr std::size_t kStatementNameBytesMax = 63;

core::Gauge connections_gauge() {
    return core::gauge("weft_db_connections", "Open database connections");
}

std::unique_ptr<pqxx::connection> connect(const std::string& connection_string) {
    auto connection = std::make_unique<pqxx::connection>(connection_string);
#if defined(PQXX_VERSION_MAJOR) && PQXX_VERSION_MAJOR < 7
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
    // A connection that was silently replaced would go on outside the transaction.
    connection->activate();
    connection->inhibit_reactivation(true);
#pragma clang diagnostic pop
#endif
    return connection;
}

/// The first quoted word of "duplicate key value violates unique constraint "name"", in any language.
std::string constraint_in(std::string_view message) {
    const auto first = message.find('"');
    if (first == std::string_view::npos) return {};
    const auto last = message.find('"', first + 1);
    if (last == std::string_view::npos) return {};
    return std::string{message.substr(first + 1, last - first - 1)};
}

std::string describe(std::string_view statement, const char* what) {
    std::string_view text{what};
    while (text.ends_with('\n')) text.remove_suffix(1);
    return fmt::format("database statement {}: {}", statement, text);
}

Rows to_rows(const pqxx::result& result) {
    auto impl = std::make_shared<Rows::Impl>();
    impl->rows = result.size();
    impl->columns = result.columns();
    impl->affected = result.affected_rows();
    impl->cells.reserve(impl->rows * impl->columns);
    for (const auto& row : result) {
        for (const auto& field : row) {
            const bool null = field.is_null();
            const auto size = null ? 0 : field.size();
            impl->cells.push_back({impl->text.size(), static_cast<std::uint32_t>(size), null});
            if (!null) impl->text.append(field.c_str(), size);
        }
    }
    return Rows{std::move(impl)};
}

}  // namespace

struct Connection::Impl {
    std::unique_ptr<pqxx::connection> connection;
    // BEGIN and COMMIT are ours, one round trip each; pqxx only carries statements.
    std::unique_ptr<pqxx::nontransaction> carrier;
    std::map<std::string, std::string_view, std::less<>> prepared;  // name -> text
    std::exception_ptr failure;                                     // of the transaction under way
    bool in_transaction = false;
};

/// Runs `function` and turns what pqxx throws into our errors; within a transaction the failure is
/// remembered.
template <class Function>
auto Connection::guarded(std::string_view statement, const Function& function) {
    using Kind = TransientFailure::Kind;
    std::exception_ptr failure;
    try {
        return function();
    } catch (const pqxx::broken_connection& error) {
        failure =
            std::make_exception_ptr(TransientFailure{Kind::kDisconnect, describe(statement, error.what())});
    } catch (const pqxx::serialization_failure& error) {
        failure =
            std::make_exception_ptr(TransientFailure{Kind::kConflict, describe(statement, error.what())});
    } catch (const pqxx::deadlock_detected& error) {
        failure =
            std::make_exception_ptr(TransientFailure{Kind::kConflict, describe(statement, error.what())});
    } catch (const pqxx::sql_error& error) {
        const auto text = describe(statement, error.what());
        const auto& state = error.sqlstate();
        if (state.starts_with("57P") || !impl_->connection->is_open()) {
            failure = std::make_exception_ptr(TransientFailure{Kind::kDisconnect, text});
        } else if (state == "23505") {
            failure = std::make_exception_ptr(UniqueViolation{text, constraint_in(error.what())});
        } else if (state == "WF001") {
            failure = std::make_exception_ptr(LeaseLost{text});
        } else {
            failure = std::make_exception_ptr(StoreError{text});
        }
    } catch (const StoreError&) {
        failure = std::current_exception();
    } catch (const std::exception& error) {
        // What pqxx makes of a connection that has gone is not always a broken_connection.
        const auto text = describe(statement, error.what());
        failure = impl_->connection->is_open() ? std::make_exception_ptr(StoreError{text})
                                               : std::make_exception_ptr(TransientFailure{Kind::kDisconnect, text});
    }
    if (impl_->in_transaction && !impl_->failure) impl_->failure = failure;
    std::rethrow_exception(failure);
}

Connection::Connection(const std::string& connection_string, const std::string& application_name)
    : impl_{std::make_unique<Impl>()} {
    try {
        impl_->connection = connect(connection_string);
        impl_->carrier = std::make_unique<pqxx::nontransaction>(*impl_->connection);
        impl_->carrier->exec(
            fmt::format("SET client_encoding TO 'UTF8'; SET client_min_messages TO warning; "
                        "SET jit TO off; SET application_name TO {}",
                        impl_->connection->quote(application_name)));
    } catch (const std::exception& error) {
        throw TransientFailure{TransientFailure::Kind::kDisconnect, describe("connect", error.what())};
    }
    connections_gauge().add(1);
}

Connection::~Connection() {
    connections_gauge().add(-1);
}

bool Connection::usable() const {
    if (!impl_->connection->is_open()) return false;
    // Nothing is expected from the server while we are idle: what can be read is its farewell.
    pollfd socket{impl_->connection->sock(), POLLIN, 0};
    return ::poll(&socket, 1, 0) == 0;
}

void Connection::begin() {
    guarded("begin", [this] { return impl_->carrier->exec("BEGIN ISOLATION LEVEL REPEATABLE READ"); });
    impl_->in_transaction = true;
    impl_->failure = nullptr;
}

void Connection::commit() {
    // COMMIT of a failed transaction is a rollback that reports success.
    if (impl_->failure) std::rethrow_exception(impl_->failure);
    guarded("commit", [this] { return impl_->carrier->exec("COMMIT"); });
    impl_->in_transaction = false;
}

void Connection::rollback() noexcept {
    impl_->failure = nullptr;
    if (!impl_->in_transaction) return;
    impl_->in_transaction = false;
    try {
        impl_->carrier->exec("ROLLBACK");
    } catch (const std::exception&) {
        // A connection in an unknown state is closed, not kept.
        impl_->carrier.reset();
        impl_->connection->disconnect();
    }
}

Rows Connection::execute(const Sql& sql, const std::vector<Param>& params) {
    return guarded(sql.name, [&]() -> Rows {
        const auto found = impl_->prepared.find(sql.name);
        if (found == impl_->prepared.end()) {
            if (sql.name.size() > kStatementNameBytesMax)
                throw StoreError{describe(sql.name, "name is too long")};
            impl_->connection->prepare(std::string{sql.name}, std::string{sql.text});
            impl_->prepared.emplace(sql.name, sql.text);
        } else if (found->second.data() != sql.text.data() && found->second != sql.text) {
            throw StoreError{describe(sql.name, "two different statements have this name")};
        }
        std::vector<const char*> values;
        values.reserve(params.size());
        for (const auto& param : params) {
            const auto& text = param.text();
            if (text && text->find('\0') != std::string::npos) {
                throw StoreError{
                    describe(sql.name, fmt::format("parameter ${} contains U+0000, which PostgreSQL "
                                                   "cannot store",
                                                   values.size() + 1)
                                           .c_str())};
            }
            values.push_back(text ? text->c_str() : nullptr);
        }
        return to_rows(
            impl_->carrier->exec_prepared(std::string{sql.name}, pqxx::prepare::make_dynamic_params(values)));
    });
}

void Connection::execute_script(const std::string& sql) {
    guarded("script", [&] { return impl_->carrier->exec(sql); });
}

}  // namespace weft::storage
