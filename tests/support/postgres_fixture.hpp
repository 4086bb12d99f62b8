#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "run_task.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
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
