#include <catch2/catch.hpp>

#include "postgres_fixture.hpp"
#include "weft/storage/store_error.hpp"

using namespace weft;
using storage::PositionReader;
using test::StorageFixture;

TEST_CASE("every stream of an empty database stands at 1") {
    StorageFixture fixture;

    const auto positions = fixture.run(PositionReader{fixture.db}.read());

    for (const auto& [stream, token] : positions.streams)
        CHECK((stream + " " + std::to_string(token)) == stream + " 1");
    CHECK(positions.streams.size() == 13);
    CHECK(positions.caches.empty());
    CHECK_THROWS_AS(positions.of("typing"), storage::StoreError);
}

TEST_CASE("a stream stands at the newest token of all tables that hold its tokens") {
    StorageFixture fixture;
    fixture.sql(R"sql(
        INSERT INTO device_lists_stream (stream_id, user_id, device_id) VALUES (3, '@a:test', 'D');
        INSERT INTO device_lists_outbound_pokes (destination, stream_id, user_id, device_id, sent, ts)
            VALUES ('other', 9, '@a:test', 'D', FALSE, 0);
        INSERT INTO room_account_data VALUES ('@a:test', '!r:test', 't', 5, '{}');
        INSERT INTO room_tags_revisions VALUES ('@a:test', '!r:test', 6);
        UPDATE device_max_stream_id SET stream_id = 12;
        INSERT INTO ex_outlier_stream VALUES (20, '$e', 1), (-8, '$f', 1);
        INSERT INTO push_rules_stream (stream_id, event_stream_ordering, user_id, rule_id, op)
            VALUES (4, 1, '@a:test', 'r', 'ADD');
        INSERT INTO deleted_pushers VALUES (11, 'app', 'key', '@a:test'))sql");

    const auto positions = fixture.run(PositionReader{fixture.db}.read());

    CHECK(positions.of("device_lists") == 9);
    CHECK(positions.of("user_signature") == 9);
    CHECK(positions.of("account_data") == 6);
    CHECK(positions.of("tag_account_data") == 6);
    CHECK(positions.of("to_device") == 12);
    CHECK(positions.of("events") == 20);
    CHECK(positions.of("backfill") == 8);
    CHECK(positions.of("push_rules") == 4);
    CHECK(positions.of("pushers") == 11);
    CHECK(positions.of("presence") == 1);
}

TEST_CASE("the caches stream has a position an instance") {
    StorageFixture fixture;
    fixture.sql(
        "INSERT INTO cache_invalidation_stream_by_instance (stream_id, instance_name, cache_func) VALUES "
        "(1, 'master', 'c'), (2, 'worker1', 'c'), (5, 'master', 'c'), (4, 'worker2', 'c')");

    const auto positions = fixture.run(PositionReader{fixture.db}.read());

    CHECK(positions.caches ==
          std::map<std::string, std::int64_t>{{"master", 5}, {"worker1", 2}, {"worker2", 4}});
}
