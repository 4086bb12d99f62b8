#include <catch2/catch.hpp>

#include "postgres_fixture.hpp"
#include "weft/storage/migrations.hpp"
#include "weft/storage/store_error.hpp"

using namespace weft;
using test::TestDatabase;
using Names = std::vector<std::string>;

namespace {

Names migrate(const TestDatabase& database) {
    asio::io_context io;
    const storage::Database db{database.config(1), "test", io.get_executor()};
    return storage::migrate(db);
}

std::string one(const TestDatabase& database, const std::string& query) {
    return database.sql(query).front().front();
}

}  // namespace

TEST_CASE("an empty database gets all migrations, and the second time none") {
    const TestDatabase database{TestDatabase::Content::kEmpty};

    const auto first = migrate(database);
    const auto second = migrate(database);

    CHECK(first.size() == storage::migrations().size());
    CHECK(first.front() == "0001_synapse_v58");
    CHECK(second.empty());
    CHECK(one(database, "SELECT count(*) FROM weft_schema_migrations") == std::to_string(first.size()));
}

TEST_CASE("the first migration makes Synapse's schema as it is at version 58") {
    const TestDatabase database;

    CHECK(one(database, "SELECT version || ' ' || upgraded FROM schema_version") == "58 false");
    CHECK(one(database, "SELECT count(*) FROM applied_schema_deltas WHERE version = 58") != "0");
    CHECK(one(database,
              "SELECT data_type FROM information_schema.columns WHERE table_name = "
              "'cache_invalidation_stream_by_instance' AND column_name = 'keys'") == "ARRAY");
    CHECK(database.sql("SELECT type, stream_id FROM federation_stream_position ORDER BY type") ==
          std::vector<Names>{{"events", "-1"}, {"federation", "-1"}});
    for (const auto* table :
         {"appservice_stream_position", "device_max_stream_id", "account_data_max_stream_id",
          "event_push_summary_stream_ordering", "user_directory_stream_pos", "stats_incremental_position"}) {
        CHECK(one(database, std::string{"SELECT count(*) FROM "} + table) == "1");
    }
    CHECK(one(database, "SELECT nextval('state_group_id_seq')") == "1");
}

TEST_CASE("a database that Synapse made is adopted: its tables stay, only our additions are made") {
    const TestDatabase database{TestDatabase::Content::kEmpty};
    database.sql(std::string{storage::migrations().front().sql});
    database.sql(
        "INSERT INTO users (name) VALUES ('@old:test'); "
        "INSERT INTO access_tokens (id, user_id, token) VALUES (41, '@old:test', 'secret')");

    const auto applied = migrate(database);

    CHECK(applied.size() == storage::migrations().size() - 1);
    CHECK(one(database, "SELECT count(*) FROM users") == "1");
    CHECK(one(database, "SELECT to_regclass('event_txn_id') IS NOT NULL") == "t");
    CHECK(one(database, "SELECT count(*) FROM weft_schema_migrations WHERE version = 1") == "1");
    CHECK(one(database, "SELECT nextval('weft_access_token_id_seq')") == "42");
}

TEST_CASE("sequences are raised when somebody else has given out IDs in between") {
    const TestDatabase database;
    database.sql("INSERT INTO access_tokens (id, user_id, token) VALUES (7, '@a:test', 't1')");

    migrate(database);
    CHECK(one(database, "SELECT nextval('weft_access_token_id_seq')") == "8");
    migrate(database);
    CHECK(one(database, "SELECT nextval('weft_access_token_id_seq')") == "9");
}

TEST_CASE("a database whose tables Synapse is still rewriting is refused and left alone") {
    const TestDatabase database{TestDatabase::Content::kEmpty};
    database.sql(std::string{storage::migrations().front().sql});
    database.sql(
        "INSERT INTO background_updates (update_name, progress_json) VALUES "
        "('current_state_events_membership', '{}')");

    CHECK_THROWS_WITH(migrate(database), Catch::Contains("current_state_events_membership"));
    CHECK(one(database, "SELECT to_regclass('weft_schema_migrations') IS NULL") == "t");

    database.sql("DELETE FROM background_updates");
    CHECK_FALSE(migrate(database).empty());
}

TEST_CASE("sequences that a dump of data alone left behind are raised") {
    const TestDatabase database;
    database.sql(
        "INSERT INTO state_groups (id, room_id, event_id) VALUES (204, '!r:test', '$e'); "
        "INSERT INTO cache_invalidation_stream_by_instance (stream_id, instance_name, cache_func) VALUES "
        "(275, 'master', 'x')");

    migrate(database);

    CHECK(one(database, "SELECT nextval('state_group_id_seq')") == "205");
    CHECK(one(database, "SELECT nextval('cache_invalidation_stream_seq')") == "276");
}

TEST_CASE("the rows of a dump take the place of those that the first migration made") {
    const TestDatabase database;
    const auto deltas = one(database, "SELECT count(*) FROM applied_schema_deltas");

    database.sql(
        "INSERT INTO schema_version (version, upgraded) VALUES (58, TRUE); "
        "INSERT INTO device_max_stream_id (stream_id) VALUES (17); "
        "INSERT INTO federation_stream_position (type, stream_id) VALUES ('events', 234); "
        "INSERT INTO applied_schema_deltas (version, file) VALUES (58, '58/06dlols_unique_idx.py')");

    CHECK(one(database, "SELECT upgraded FROM schema_version") == "t");
    CHECK(database.sql("SELECT stream_id FROM device_max_stream_id") == std::vector<Names>{{"17"}});
    CHECK(database.sql("SELECT type, stream_id FROM federation_stream_position ORDER BY type") ==
          std::vector<Names>{{"events", "234"}, {"federation", "-1"}});
    CHECK(one(database, "SELECT count(*) FROM applied_schema_deltas") == deltas);
}

TEST_CASE("a database with a newer or older Synapse schema is refused and left alone") {
    const TestDatabase database{TestDatabase::Content::kEmpty};
    const auto version = GENERATE(57, 59);
    database.sql(
        "CREATE TABLE schema_version (lock CHAR(1), version INTEGER, upgraded BOOLEAN); "
        "INSERT INTO schema_version VALUES ('X', " +
        std::to_string(version) + ", TRUE)");

    CHECK_THROWS_WITH(migrate(database),
                      Catch::Contains("schema version " + std::to_string(version)) && Catch::Contains("58"));
    CHECK(one(database, "SELECT to_regclass('weft_schema_migrations') IS NULL") == "t");
}

TEST_CASE("a database in another encoding is refused") {
    const TestDatabase database{TestDatabase::Content::kEmpty,
                                "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"};

    CHECK_THROWS_WITH(migrate(database), Catch::Contains("LATIN1") && Catch::Contains("UTF8"));
}

TEST_CASE("a database that a newer program has migrated is refused") {
    const TestDatabase database;
    database.sql("INSERT INTO weft_schema_migrations VALUES (9999, 'from_the_future', 0)");

    CHECK_THROWS_WITH(migrate(database), Catch::Contains("9999"));
}

TEST_CASE("several processes may migrate at once") {
    const TestDatabase database{TestDatabase::Content::kEmpty};
    std::vector<std::size_t> applied(3);

    {
        std::vector<std::thread> processes;
        for (auto& count : applied) {
            processes.emplace_back([&database, &count] { count = migrate(database).size(); });
        }
        for (auto& process : processes) process.join();
    }

    std::sort(applied.begin(), applied.end());
    CHECK(applied == std::vector<std::size_t>{0, 0, storage::migrations().size()});
}
