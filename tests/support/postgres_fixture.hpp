#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/log_context.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/cache_stream_writer.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/position_reader.hpp"
#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::test {

/// A PostgreSQL database that exists for one test. The server is the one that WEFT_TEST_POSTGRES names (libpq
/// keywords, of a role that may create databases); without it the constructor throws and says so.
class TestDatabase {
public:
    enum class Content {
        kMigrated,  // a copy of a template that all migrations were applied to, once a process
        kEmpty,
    };
    explicit TestDatabase(Content content = Content::kMigrated, const std::string& options = {});
    ~TestDatabase();
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;

    const std::string& name() const { return name_; }
    core::DatabaseConfig config(std::size_t connections_max = 4) const;
    /// Runs statements on a connection of their own, outside the code under test; the result's rows as text,
    /// NULL as "NULL".
    std::vector<std::vector<std::string>> sql(const std::string& statements) const;

private:
    std::string name_;
};

/// Runs `task` on `io`, in a log context of its own, until it has ended; its result or exception. Throws when
/// that takes longer than `deadline`.
template <class T>
T run(asio::io_context& io, Task<T> task, std::chrono::seconds deadline = std::chrono::seconds{30}) {
    using Value = std::conditional_t<std::is_void_v<T>, bool, std::optional<T>>;
    struct Result {
        Value value{};
        std::exception_ptr failure;
        bool done = false;
    };
    // Shared: a task that missed its deadline may still run later.
    auto result = std::make_shared<Result>();
    auto body = [](Task<T> inner, std::shared_ptr<Result> out) -> Task<void> {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(inner);
        } else {
            out->value.emplace(co_await std::move(inner));
        }
    };
    const auto executor = core::with_context(io.get_executor(), std::make_shared<core::LogContext>("test"));
    asio::co_spawn(executor, body(std::move(task), result), [result](std::exception_ptr failure) {
        result->failure = failure;
        result->done = true;
    });
    io.restart();
    const auto until = std::chrono::steady_clock::now() + deadline;
    while (!result->done && std::chrono::steady_clock::now() < until) {
        if (io.run_one_until(until) == 0 && io.stopped()) break;
    }
    if (!result->done) throw std::runtime_error{"the task has not ended in time"};
    if (result->failure) std::rethrow_exception(result->failure);
    if constexpr (!std::is_void_v<T>) return std::move(*result->value);
}

/// One process's worth of storage on a database of its own: what store tests begin with. Streams are written
/// by this process, `master`, unless another writer is named.
class StorageFixture {
public:
    StorageFixture();
    /// A second process on the same database.
    StorageFixture(StorageFixture& first, std::string instance);

    storage::StoreContext context();
    /// A stream that stands where the database does now.
    storage::StreamState& stream(const std::string& name, const std::string& writer = "master");
    /// Two of them with one ID space.
    std::pair<storage::StreamState*, storage::StreamState*> shared_streams(
        const std::string& first, const std::string& second, const std::string& writer = "master");
    std::vector<std::vector<std::string>> sql(const std::string& statements) const;
    template <class T>
    T run(Task<T> task) {
        return test::run(io, std::move(task));
    }

    std::shared_ptr<TestDatabase> database;
    asio::io_context io;
    core::ManualClock clock;
    std::string instance;
    storage::Database db;
    storage::CacheRegistry registry;
    storage::StreamState caches;
    storage::CacheStreamWriter cache_writer;

private:
    StorageFixture(std::shared_ptr<TestDatabase> on, std::string name);
    storage::StreamState& unseeded(const std::string& name, const std::string& writer);

    std::vector<std::unique_ptr<storage::StreamState>> streams_;
};

/// `INSERT`s an event, and its state event and membership where asked, with the columns that reads need.
struct TestEvent {
    std::string event_id;
    std::string room_id;
    std::int64_t stream_ordering = 0;
    std::string type = "m.room.message";
    std::string sender = "@alice:test";
};
void insert_event(const StorageFixture& fixture, const TestEvent& event);

}  // namespace weft::test
