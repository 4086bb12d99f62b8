#include "postgres_fixture.hpp"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include "weft/storage/migrations.hpp"

namespace weft::test {

namespace {

std::string server() {
    const char* const text = std::getenv("WEFT_TEST_POSTGRES");
    if (text == nullptr || *text == '\0') {
        throw std::runtime_error{
            "set WEFT_TEST_POSTGRES to a PostgreSQL server, e.g. \"host=/tmp/pg user=postgres "
            "dbname=postgres\""};
    }
    return text;
}

using Rows = std::vector<std::vector<std::string>>;

/// Runs statements on a connection of their own, not by what is under test; the rows of the last.
Rows execute(const std::string& connection_string, const std::string& statements) {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection{PQconnectdb(connection_string.c_str()),
                                                                PQfinish};
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result{PQexec(connection.get(), statements.c_str()),
                                                                PQclear};
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        throw std::runtime_error{PQerrorMessage(connection.get())};
    Rows rows(static_cast<std::size_t>(PQntuples(result.get())));
    for (int row = 0; row < PQntuples(result.get()); ++row) {
        for (int column = 0; column < PQnfields(result.get()); ++column) {
            const bool null = PQgetisnull(result.get(), row, column) != 0;
            rows[static_cast<std::size_t>(row)].emplace_back(null ? "NULL"
                                                                  : PQgetvalue(result.get(), row, column));
        }
    }
    return rows;
}

void admin(const std::string& statement) {
    execute(server(), statement);
}

std::string next_name() {
    static std::atomic<int> count{0};
    return fmt::format("weft_test_{}_{}", ::getpid(), ++count);
}

void drop(const std::string& name) {
    try {
        admin(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name));
    } catch (const std::exception& error) {
        fmt::print(stderr, "cannot drop {}: {}\n", name, error.what());
    }
}

core::DatabaseConfig config_of(const std::string& name, std::size_t connections_max) {
    core::DatabaseConfig config;
    config.connection_string = fmt::format("{} dbname={}", server(), name);
    config.connections_max = connections_max;
    return config;
}

constexpr auto kLocale = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";

/// Migrated once a process; databases are copies of it, which takes a fraction of the time.
class Template {
public:
    Template() : name_{next_name()} {
        admin(fmt::format("CREATE DATABASE {} {}", name_, kLocale));
        asio::io_context io;
        storage::Database database{config_of(name_, 1), "template", io.get_executor()};
        storage::migrate(database);
    }
    ~Template() { drop(name_); }
    const std::string& name() const { return name_; }

private:
    std::string name_;
};

const Template& migrated_template() {
    static const Template once;
    return once;
}

}  // namespace

TestDatabase::TestDatabase(Content content, const std::string& options) {
    // A copy of the files takes a third of the time of one by way of the log.
    const auto copy_of = content == Content::kMigrated
                             ? fmt::format("TEMPLATE {} STRATEGY FILE_COPY", migrated_template().name())
                             : std::string{options.empty() ? kLocale : options};
    name_ = next_name();
    admin(fmt::format("CREATE DATABASE {} {}", name_, copy_of));
}

TestDatabase::~TestDatabase() {
    drop(name_);
}

core::DatabaseConfig TestDatabase::config(std::size_t connections_max) const {
    return config_of(name_, connections_max);
}

std::vector<std::vector<std::string>> TestDatabase::sql(const std::string& statements) const {
    return execute(config().connection_string, statements);
}

StorageFixture::StorageFixture() : StorageFixture{std::make_shared<TestDatabase>(), "master"} {}

StorageFixture::StorageFixture(StorageFixture& first, std::string name)
    : StorageFixture{first.database, std::move(name)} {}

StorageFixture::StorageFixture(std::shared_ptr<TestDatabase> on, std::string name)
    : database{std::move(on)},
      instance{std::move(name)},
      db{database->config(), instance, io.get_executor()},
      caches{"caches", instance, {instance}},
      cache_writer{db, caches, registry, instance, clock, io.get_executor()} {
    caches.seed(storage::PositionReader{db}.read_blocking().caches);
}

storage::StoreContext StorageFixture::context() {
    return {db, registry, cache_writer, clock, io.get_executor()};
}

storage::StreamState& StorageFixture::unseeded(const std::string& name, const std::string& writer) {
    streams_.push_back(
        std::make_unique<storage::StreamState>(name, instance, std::vector<std::string>{writer}));
    return *streams_.back();
}

storage::StreamState& StorageFixture::stream(const std::string& name, const std::string& writer) {
    auto& made = unseeded(name, writer);
    made.seed(storage::PositionReader{db}.read_blocking().of(name));
    return made;
}

std::pair<storage::StreamState*, storage::StreamState*> StorageFixture::shared_streams(
    const std::string& first, const std::string& second, const std::string& writer) {
    auto& one = unseeded(first, writer);
    auto& two = unseeded(second, writer);
    two.share_ids_with(one);
    const auto positions = storage::PositionReader{db}.read_blocking();
    one.seed(positions.of(first));
    two.seed(positions.of(second));
    return {&one, &two};
}

std::vector<std::vector<std::string>> StorageFixture::sql(const std::string& statements) const {
    return database->sql(statements);
}

void insert_event(const StorageFixture& fixture, const TestEvent& event) {
    fixture.sql(fmt::format(
        "INSERT INTO events (stream_ordering, topological_ordering, depth, event_id, type, room_id, "
        "processed, outlier, origin_server_ts, received_ts, sender, contains_url) "
        "VALUES ({}, {}, {}, '{}', '{}', '{}', TRUE, FALSE, 1, 1, '{}', FALSE)",
        event.stream_ordering, event.stream_ordering, event.stream_ordering, event.event_id, event.type,
        event.room_id, event.sender));
}

}  // namespace weft::test
