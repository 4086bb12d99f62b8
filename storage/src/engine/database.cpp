#include "weft/storage/database.hpp"

#include <chrono>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <boost/asio/error.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>

#include "engine/answer_wait.hpp"
#include "engine/connection_pool.hpp"
#include "weft/core/log.hpp"
#include "weft/core/log_context.hpp"
#include "weft/core/random.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::storage {

namespace {

using SteadyTime = std::chrono::steady_clock;
using Callbacks = std::vector<std::function<void()>>;

constexpr int kAttemptsMax = 5;
constexpr double kBackoffFirstMs = 5;

/// What a job on a database thread brings back to the logic thread.
struct Outcome {
    std::int64_t wait_ns = 0;
    std::int64_t busy_ns = 0;
    int retries = 0;
    Callbacks callbacks;
    std::exception_ptr failure;
};

std::int64_t ns_since(SteadyTime::time_point start) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyTime::now() - start).count();
}

/// Blocks a database thread for a moment that doubles with each attempt; jitter keeps rivals from meeting
/// again.
void back_off(int attempt) {
    const double ms = kBackoffFirstMs * (1 << (attempt - 1)) * (0.5 + core::random_unit());
    std::this_thread::sleep_for(std::chrono::microseconds{static_cast<std::int64_t>(ms * 1000)});
}

/// True if running the statement twice does no harm. Errs on the side of no.
bool only_reads(std::string_view text) {
    const auto start = text.find_first_not_of(" \n\t");
    if (start == std::string_view::npos) return false;
    text.remove_prefix(start);
    if (!text.starts_with("SELECT") && !text.starts_with("WITH")) return false;
    for (const std::string_view word : {"INSERT", "UPDATE", "DELETE", "nextval", "setval"}) {
        if (text.find(word) != std::string_view::npos) return false;
    }
    return true;
}

void run_callbacks(std::string_view name, const Callbacks& callbacks) {
    for (const auto& callback : callbacks) {
        try {
            callback();
        } catch (const std::exception& error) {
            // The transaction has happened: its caller must not be told otherwise.
            core::log_error("database", "after commit of {}: {}", name, error.what());
        }
    }
}

struct TransactionMetrics {
    core::Counter count;
    core::Histogram seconds;
};

}  // namespace

struct Database::Impl {
    Impl(const core::DatabaseConfig& given, std::string name, asio::any_io_executor on)
        : config{given},
          executor{std::move(on)},
          queue_wait{core::histogram("weft_db_queue_wait_seconds", "Time until a database thread was free")},
          retries{core::counter("weft_db_transaction_retries_total", "Transactions that were run again")},
          sentinels{core::counter("weft_db_sentinel_transactions_total",
                                  "Transactions started outside any log context: a bug")},
          connections{std::make_shared<ConnectionPool>(config.connection_string, std::move(name),
                                                       threads_of(config))},
          threads{threads_of(config)} {}

    static std::size_t threads_of(const core::DatabaseConfig& config) {
        return std::max<std::size_t>(1, config.connections_max);
    }

    const core::DatabaseConfig config;
    const asio::any_io_executor executor;

    core::Histogram queue_wait;
    core::Counter retries;
    core::Counter sentinels;
    std::map<std::string, TransactionMetrics, std::less<>> metrics;  // logic thread only

    const std::shared_ptr<ConnectionPool> connections;
    asio::thread_pool threads;

    /// Calls `attempt(connection)` until it succeeds or fails for good. `may_repeat` says whether it may run
    /// again after the connection broke.
    template <class Attempt>
    void with_retries(Outcome& outcome, const Attempt& attempt) {
        for (int number = 1 + outcome.retries;; ++number) {
            ConnectionPool::Lease connection;
            bool repeatable = true;
            try {
                connection = connections->take();
                attempt(*connection, repeatable);
                return;
            } catch (const TransientFailure& failure) {
                const bool conflict = failure.kind == TransientFailure::Kind::kConflict;
                if (connection) connection->rollback();
                if (!conflict && !repeatable) throw CommitInDoubt{failure.what()};
                if (number == kAttemptsMax) throw;
                ++outcome.retries;
            } catch (...) {
                if (connection) connection->rollback();
                throw;
            }
            connection.reset();
            back_off(number);
        }
    }

    void transact(Outcome& outcome, const std::function<void(Transaction&)>& body) {
        with_retries(outcome, [&](Connection& connection, bool& repeatable) {
            Transaction txn{connection};
            connection.begin();
            body(txn);
            repeatable = false;
            connection.commit();
            outcome.callbacks = std::move(txn.after_commit());
        });
    }

    void account(std::string_view name, core::LogContext& context, const Outcome& outcome) {
        constexpr double kNsPerSecond = 1e9;
        queue_wait.observe(static_cast<double>(outcome.wait_ns) / kNsPerSecond);
        if (outcome.retries > 0) retries.increment(outcome.retries);
        auto found = metrics.find(name);
        if (found == metrics.end()) {
            const core::Labels labels{{"name", std::string{name}}};
            found =
                metrics
                    .emplace(
                        std::string{name},
                        TransactionMetrics{
                            core::counter("weft_db_transactions_total", "Database transactions", labels),
                            core::histogram("weft_db_transaction_seconds", "Time in a transaction", labels)})
                    .first;
        }
        found->second.count.increment();
        found->second.seconds.observe(static_cast<double>(outcome.busy_ns) / kNsPerSecond);
        core::ResourceUsage usage;
        usage.db_transactions = 1;
        usage.db_ns = outcome.busy_ns;
        usage.db_wait_ns = outcome.wait_ns;
        context.add_usage(usage);
    }
};

namespace {

/// Who the transaction is run for.
core::LogContextPtr asking_context(Database::Impl& impl, std::string_view name) {
    auto context = core::current_context();
    if (context == core::sentinel_context()) {
        impl.sentinels.increment();
        core::log_warning("database", "transaction {} was started outside any log context", name);
    }
    return context;
}

/// Whoever waited may come back when the database has been closed.
std::shared_ptr<Database::Impl> still_open(const std::weak_ptr<Database::Impl>& pool) {
    auto impl = pool.lock();
    if (!impl) throw boost::system::system_error{asio::error::operation_aborted};
    return impl;
}

/// Runs `job` on a database thread, accounts for it and runs its callbacks. Holds no reference to the pool
/// while it is suspended: the pool's queue holds us. `retries`: attempts that were made elsewhere.
Task<void> dispatch(std::weak_ptr<Database::Impl> pool, core::LogContextPtr context, std::string name,
                    std::function<void(Outcome&)> job, int retries = 0) {
    const auto outcome = std::make_shared<Outcome>();
    outcome->retries = retries;
    auto& threads = still_open(pool)->threads;
    co_await core::run_on(threads, [queued = SteadyTime::now(), outcome, job = std::move(job)] {
        outcome->wait_ns = ns_since(queued);
        const auto started = SteadyTime::now();
        try {
            job(*outcome);
        } catch (...) {
            outcome->failure = std::current_exception();
        }
        outcome->busy_ns = ns_since(started);
    });
    still_open(pool)->account(name, *context, *outcome);
    // The thread's copy of the outcome may go later: what the callbacks hold, and what was thrown, must end
    // here, on the logic thread.
    const auto callbacks = std::move(outcome->callbacks);
    const auto failure = std::exchange(outcome->failure, nullptr);
    run_callbacks(name, callbacks);
    if (failure) std::rethrow_exception(failure);
}

/// A statement and its answer, for whichever thread has to do with it.
struct Query {
    Sql sql;
    std::vector<Param> params;
    ConnectionPool::Lease connection;  // where the logic thread itself runs it
    Rows rows;
};
using QueryPtr = std::shared_ptr<Query>;

Task<void> query_on_thread(std::weak_ptr<Database::Impl> pool, core::LogContextPtr context, QueryPtr query,
                           int retries) {
    auto job = [impl = still_open(pool).get(), query](Outcome& outcome) {
        impl->with_retries(outcome, [&](Connection& connection, bool& repeatable) {
            repeatable = only_reads(query->sql.text);
            query->rows = connection.execute(query->sql, query->params);
        });
    };
    return dispatch(std::move(pool), std::move(context), std::string{query->sql.name}, std::move(job),
                    retries);
}

/// One attempt, from the logic thread. False: it may be made again.
Task<bool> query_at_once(std::weak_ptr<Database::Impl> pool, QueryPtr query) {
    const auto executor = still_open(pool)->executor;
    try {
        query->connection->start(query->sql, query->params);
        if (co_await answer_has_come(*query->connection, executor)) {
            query->rows = query->connection->finish();
        } else {
            auto& threads = still_open(pool)->threads;
            co_await core::run_on(threads, [query] { query->rows = query->connection->finish(); });
        }
    } catch (const TransientFailure& failure) {
        const bool conflict = failure.kind == TransientFailure::Kind::kConflict;
        if (!conflict && !only_reads(query->sql.text)) throw CommitInDoubt{failure.what()};
        co_return false;
    }
    co_return true;
}

/// Without a database thread where that is possible: two threads that wake each other take longer than most
/// statements.
Task<Rows> run_query(std::weak_ptr<Database::Impl> pool, QueryPtr query) {
    auto context = asking_context(*still_open(pool), query->sql.name);
    Outcome outcome;
    const auto asked = SteadyTime::now();
    const auto connections = still_open(pool)->connections;
    query->connection = connections->try_take();
    if (!query->connection) query->connection = co_await ConnectionPool::take_open(connections);
    outcome.wait_ns = ns_since(asked);
    if (query->connection) {
        const auto started = SteadyTime::now();
        bool has_ended = true;
        try {
            has_ended = co_await query_at_once(pool, query);
        } catch (...) {
            outcome.failure = std::current_exception();
        }
        query->connection.reset();
        if (has_ended) {
            outcome.busy_ns = ns_since(started);
            still_open(pool)->account(query->sql.name, *context, outcome);
            if (outcome.failure) std::rethrow_exception(outcome.failure);
            co_return std::move(query->rows);
        }
        outcome.retries = 1;
    }
    co_await query_on_thread(std::move(pool), std::move(context), query, outcome.retries);
    co_return std::move(query->rows);
}

}  // namespace

Rows Transaction::exec_params(const Sql& sql, const std::vector<Param>& params) {
    return connection_.execute(sql, params);
}

void Transaction::exec_script(const std::string& sql) {
    connection_.execute_script(sql);
}

Database::Database(const core::DatabaseConfig& config, std::string application_name,
                   asio::any_io_executor executor)
    : impl_{std::make_shared<Impl>(config, std::move(application_name), std::move(executor))} {}

Database::~Database() {
    impl_->connections->close();
    impl_->threads.stop();
    impl_->threads.join();
}

const core::DatabaseConfig& Database::config() const {
    return impl_->config;
}

Task<void> Database::run_erased(std::string name, std::function<void(Transaction&)> body) {
    auto context = asking_context(*impl_, name);
    co_await dispatch(
        impl_, std::move(context), std::move(name),
        [impl = impl_.get(), body = std::move(body)](Outcome& outcome) { impl->transact(outcome, body); });
}

Task<Rows> Database::query_params(Sql sql, std::vector<Param> params) {
    return run_query(impl_, std::make_shared<Query>(Query{sql, std::move(params), {}, {}}));
}

void Database::run_blocking(const std::function<void(Transaction&)>& body) {
    Outcome outcome;
    impl_->transact(outcome, body);
    run_callbacks("start-up", outcome.callbacks);
}

}  // namespace weft::storage
