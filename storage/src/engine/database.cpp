#include "weft/storage/database.hpp"

#include <chrono>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <fmt/format.h>
#include <boost/asio/error.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>

#include "engine/connection.hpp"
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
    Impl(const core::DatabaseConfig& given, std::string name)
        : config{given},
          application_name{std::move(name)},
          queue_wait{core::histogram("weft_db_queue_wait_seconds", "Time until a database thread was free")},
          retries{core::counter("weft_db_transaction_retries_total", "Transactions that were run again")},
          sentinels{core::counter("weft_db_sentinel_transactions_total",
                                  "Transactions started outside any log context: a bug")},
          threads{std::max<std::size_t>(1, config.connections_max)} {}

    const core::DatabaseConfig config;
    const std::string application_name;

    core::Histogram queue_wait;
    core::Counter retries;
    core::Counter sentinels;
    std::unordered_map<std::string, TransactionMetrics> metrics;  // logic thread only

    std::mutex mutex;  // guards idle
    std::vector<std::unique_ptr<Connection>> idle;

    asio::thread_pool threads;

    /// As many connections as threads: who asks always gets one, the most recently used first.
    std::unique_ptr<Connection> take() {
        for (;;) {
            std::unique_ptr<Connection> connection;
            {
                const std::lock_guard lock{mutex};
                if (idle.empty()) break;
                connection = std::move(idle.back());
                idle.pop_back();
            }
            if (connection->usable()) return connection;
        }
        return std::make_unique<Connection>(config.connection_string, application_name);
    }

    void give_back(std::unique_ptr<Connection> connection) {
        if (!connection->usable()) return;
        const std::lock_guard lock{mutex};
        idle.push_back(std::move(connection));
    }

    /// Calls `attempt(connection)` until it succeeds or fails for good. `may_repeat` says whether it may run
    /// again after the connection broke.
    template <class Attempt>
    void with_retries(Outcome& outcome, const Attempt& attempt) {
        for (int number = 1;; ++number) {
            std::unique_ptr<Connection> connection;
            bool repeatable = true;
            try {
                connection = take();
                attempt(*connection, repeatable);
                give_back(std::move(connection));
                return;
            } catch (const TransientFailure& failure) {
                const bool conflict = failure.kind == TransientFailure::Kind::kConflict;
                if (connection) {
                    connection->rollback();
                    give_back(std::move(connection));
                }
                if (!conflict && !repeatable) throw CommitInDoubt{failure.what()};
                if (number == kAttemptsMax) throw;
                ++outcome.retries;
                back_off(number);
            } catch (...) {
                if (connection) {
                    connection->rollback();
                    give_back(std::move(connection));
                }
                throw;
            }
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

    void account(const std::string& name, core::LogContext& context, const Outcome& outcome) {
        constexpr double kNsPerSecond = 1e9;
        queue_wait.observe(static_cast<double>(outcome.wait_ns) / kNsPerSecond);
        if (outcome.retries > 0) retries.increment(outcome.retries);
        auto found = metrics.find(name);
        if (found == metrics.end()) {
            const core::Labels labels{{"name", name}};
            found = metrics
                        .emplace(name, TransactionMetrics{core::counter("weft_db_transactions_total",
                                                                        "Database transactions", labels),
                                                          core::histogram("weft_db_transaction_seconds",
                                                                          "Time in a transaction", labels)})
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

/// Runs `job` on a database thread, accounts for it and runs its callbacks. Holds no reference to the pool
/// while it is suspended: the pool's queue holds us.
Task<void> dispatch(std::weak_ptr<Database::Impl> pool, std::string name, std::function<void(Outcome&)> job) {
    const auto context = core::current_context();
    const auto outcome = std::make_shared<Outcome>();
    auto* const threads = [&] {
        const auto impl = pool.lock();
        if (context == core::sentinel_context()) {
            impl->sentinels.increment();
            core::log_warning("database", "transaction {} was started outside any log context", name);
        }
        return &impl->threads;
    }();
    co_await core::run_on(*threads, [queued = SteadyTime::now(), outcome, job = std::move(job)] {
        outcome->wait_ns = ns_since(queued);
        const auto started = SteadyTime::now();
        try {
            job(*outcome);
        } catch (...) {
            outcome->failure = std::current_exception();
        }
        outcome->busy_ns = ns_since(started);
    });
    const auto impl = pool.lock();
    if (!impl) throw boost::system::system_error{asio::error::operation_aborted};
    impl->account(name, *context, *outcome);
    // The thread's copy of the outcome may go later: what the callbacks hold, and what was thrown, must end
    // here, on the logic thread.
    const auto callbacks = std::move(outcome->callbacks);
    const auto failure = std::exchange(outcome->failure, nullptr);
    run_callbacks(name, callbacks);
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

Rows Transaction::exec_params(const Sql& sql, const std::vector<Param>& params) {
    return connection_.execute(sql, params);
}

void Transaction::exec_script(const std::string& sql) {
    connection_.execute_script(sql);
}

Database::Database(const core::DatabaseConfig& config, std::string application_name, asio::any_io_executor)
    : impl_{std::make_shared<Impl>(config, std::move(application_name))} {}

Database::~Database() {
    impl_->threads.stop();
    impl_->threads.join();
}

const core::DatabaseConfig& Database::config() const {
    return impl_->config;
}

Task<void> Database::run_erased(std::string name, std::function<void(Transaction&)> body) {
    co_await dispatch(impl_, std::move(name), [impl = impl_.get(), body = std::move(body)](Outcome& outcome) {
        impl->transact(outcome, body);
    });
}

Task<Rows> Database::query_params(Sql sql, std::vector<Param> params) {
    const auto rows = std::make_shared<Rows>();
    co_await dispatch(impl_, std::string{sql.name},
                      [impl = impl_.get(), rows, sql, params = std::move(params)](Outcome& outcome) {
                          impl->with_retries(outcome, [&](Connection& connection, bool& repeatable) {
                              repeatable = only_reads(sql.text);
                              *rows = connection.execute(sql, params);
                          });
                      });
    co_return std::move(*rows);
}

void Database::run_blocking(const std::function<void(Transaction&)>& body) {
    Outcome outcome;
    impl_->transact(outcome, body);
    run_callbacks("start-up", outcome.callbacks);
}

}  // namespace weft::storage
