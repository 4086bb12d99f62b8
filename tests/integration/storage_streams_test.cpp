#include <catch2/catch.hpp>

#include <boost/json/serialize.hpp>

#include "postgres_fixture.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/device_store.hpp"
#include "weft/storage/presence_store.hpp"
#include "weft/storage/room_directory_store.hpp"
#include "weft/storage/to_device_store.hpp"

using namespace weft;
using storage::StreamRows;
using test::StorageFixture;
using Strings = std::vector<std::string>;

namespace {

/// What a stream has announced, as "token row".
struct Announced {
    explicit Announced(storage::StreamState& stream) {
        stream.set_publisher([this](std::int64_t token, const StreamRows& published) {
            for (const auto& row : published)
                lines.push_back(std::to_string(token) + " " + boost::json::serialize(row));
        });
    }
    Strings lines;
};

Strings lines(const storage::StreamUpdates& updates) {
    Strings out;
    for (const auto& [token, row] : updates.rows)
        out.push_back(std::to_string(token) + " " + boost::json::serialize(row));
    return out;
}

/// Pages through a stream as catch-up does.
template <class Updates>
Strings catch_up(StorageFixture& fixture, Updates updates, std::int64_t from, std::int64_t to,
                 std::size_t limit) {
    Strings all;
    for (int pages = 0; pages < 1000; ++pages) {
        const auto page = fixture.run(updates(from, to, limit));
        for (auto& line : lines(page)) all.push_back(std::move(line));
        if (!page.limited) return all;
        REQUIRE(page.upto > from);
        from = page.upto;
    }
    FAIL("catch-up does not end");
    return all;
}

}  // namespace

TEST_CASE("devices are made, named, listed and deleted with what belongs to them") {
    StorageFixture fixture;
    storage::DeviceStore devices{fixture.context(), fixture.stream("device_lists")};
    fixture.sql(
        "INSERT INTO devices (user_id, device_id, hidden) VALUES ('@a:test', 'masterkey', TRUE); "
        "INSERT INTO device_inbox VALUES ('@a:test', 'D1', 2, '{}'), ('@a:test', 'D2', 2, '{}')");

    CHECK(fixture.run(devices.store_device("@a:test", "D1", "phone")) == storage::StoredDevice::kCreated);
    CHECK(fixture.run(devices.store_device("@a:test", "D1", "other")) == storage::StoredDevice::kExists);
    CHECK(fixture.run(devices.store_device("@a:test", "D2", std::nullopt)) ==
          storage::StoredDevice::kCreated);
    CHECK(fixture.run(devices.store_device("@a:test", "masterkey", "x")) == storage::StoredDevice::kReserved);
    CHECK(fixture.run(devices.get_device("@a:test", "D1"))->display_name == "phone");
    CHECK_FALSE(fixture.run(devices.get_device("@a:test", "masterkey")).has_value());
    CHECK(fixture.run(devices.get_devices("@a:test")).size() == 2);
    CHECK(fixture.run(devices.set_display_name("@a:test", "D2", "laptop")));
    CHECK_FALSE(fixture.run(devices.set_display_name("@a:test", "D9", "laptop")));

    CHECK(fixture.run(devices.delete_devices("@a:test", {"D1", "D9", "masterkey"})) == Strings{"D1"});
    CHECK(fixture.run(devices.get_devices("@a:test")).at(0).display_name == "laptop");
    CHECK(fixture.sql("SELECT device_id FROM device_inbox") == std::vector<Strings>{{"D2"}});
}

TEST_CASE("a device change is a token a device, and one a device and host") {
    StorageFixture fixture;
    auto& stream = fixture.stream("device_lists");
    storage::DeviceStore devices{fixture.context(), stream};
    Announced announced{stream};

    CHECK(fixture.run(devices.add_changes("@a:test", {"D1", "D2"}, {"one.example"})) == 5);

    const Strings expected{R"(2 ["@a:test"])", R"(3 ["@a:test"])", R"(4 ["one.example"])",
                           R"(5 ["one.example"])"};
    CHECK(announced.lines == expected);
    const auto updates = [&devices](auto... args) { return devices.updates(args...); };
    CHECK(catch_up(fixture, updates, 1, 5, 100) == expected);
    CHECK(catch_up(fixture, updates, 1, 5, 1) == expected);
    CHECK(stream.changes().has_changed("one.example", 4));
    CHECK(fixture.run(devices.add_changes("@a:test", {}, {"one.example"})) == 5);
}

TEST_CASE("a device's newer change replaces the older, and changed users are found by range") {
    StorageFixture fixture;
    auto& stream = fixture.stream("device_lists");
    storage::DeviceStore devices{fixture.context(), stream};
    fixture.run(devices.add_changes("@a:test", {"D1"}, {}));
    fixture.run(devices.add_changes("@b:test", {"E1"}, {}));
    fixture.run(devices.add_changes("@a:test", {"D1"}, {}));

    CHECK(fixture.sql("SELECT stream_id FROM device_lists_stream WHERE user_id = '@a:test'").size() == 1);
    CHECK(fixture.run(devices.users_changed({"@a:test", "@b:test", "@c:test"}, 1, 4)) ==
          Strings{"@a:test", "@b:test"});
    CHECK(fixture.run(devices.users_changed({"@a:test", "@b:test"}, 3, 4)) == Strings{"@a:test"});
    CHECK(fixture.run(devices.users_changed({"@a:test", "@b:test"}, 4, 4)).empty());
}

TEST_CASE("account data is set, read from memory after that, and found by what changed") {
    StorageFixture fixture;
    auto [data, tags] = fixture.shared_streams("account_data", "tag_account_data");
    storage::AccountDataStore store{fixture.context(), *data, *tags};
    Announced announced{*data};
    CHECK(fixture.run(store.global("@a:test"))->empty());

    CHECK(fixture.run(store.set_global("@a:test", "m.direct", R"({"a":1})")) == 2);
    CHECK(fixture.run(store.set_room("@a:test", "!r:test", "m.fully_read", R"({"b":1})")) == 3);
    CHECK(fixture.run(store.set_global("@a:test", "m.direct", R"({"a":2})")) == 4);

    CHECK(announced.lines == Strings{R"(2 ["@a:test",null,"m.direct"])",
                                     R"(3 ["@a:test","!r:test","m.fully_read"])",
                                     R"(4 ["@a:test",null,"m.direct"])"});
    CHECK(fixture.run(store.global_by_type("@a:test", "m.direct")) == R"({"a":2})");
    CHECK_FALSE(fixture.run(store.global_by_type("@a:test", "other")).has_value());
    CHECK(fixture.run(store.room("@a:test", "!r:test"))->at("m.fully_read") == R"({"b":1})");
    const auto all = fixture.run(store.all("@a:test"));
    CHECK(all.global.size() == 1);
    CHECK(all.rooms.at("!r:test").size() == 1);

    CHECK(store.has_changed("@a:test", 3));
    CHECK_FALSE(store.has_changed("@a:test", 4));
    CHECK_FALSE(store.has_changed("@b:test", 1));
    const auto since = fixture.run(store.changed("@a:test", 3, 4));
    CHECK(since.global.at("m.direct") == R"({"a":2})");
    CHECK(since.rooms.empty());
    CHECK(fixture.sql("SELECT stream_id FROM account_data_max_stream_id").front().front() == "4");
}

TEST_CASE("tags and account data count together; removing a tag leaves a change behind") {
    StorageFixture fixture;
    auto [data, tags] = fixture.shared_streams("account_data", "tag_account_data");
    storage::AccountDataStore store{fixture.context(), *data, *tags};
    Announced announced{*tags};

    CHECK(fixture.run(store.set_tag("@a:test", "!r:test", "m.favourite", R"({"order":0.5})")) == 2);
    CHECK(fixture.run(store.set_global("@a:test", "t", "{}")) == 3);
    CHECK(fixture.run(store.tags("@a:test"))->at("!r:test").at("m.favourite") == R"({"order":0.5})");
    CHECK(fixture.run(store.set_tag("@a:test", "!r:test", "u.work", "{}")) == 4);
    CHECK(fixture.run(store.remove_tag("@a:test", "!r:test", "m.favourite")) == 5);
    CHECK(fixture.run(store.remove_tag("@a:test", "!r:test", "u.work")) == 6);

    CHECK(announced.lines.size() == 4);
    CHECK(announced.lines.front().starts_with(R"(2 ["@a:test","!r:test","{\"m.favourite\":{\"order\":)"));
    CHECK(announced.lines.back() == R"(6 ["@a:test","!r:test","{}"])");
    CHECK(store.current() == 6);
    CHECK(fixture.run(store.tags("@a:test"))->empty());
    CHECK(fixture.run(store.changed_tags("@a:test", 5, 6)) == storage::TagsByRoom{{"!r:test", {}}});
    CHECK(fixture.run(store.changed_tags("@a:test", 6, 6)).empty());
}

TEST_CASE("catch-up of both account data streams gives what was announced, whatever the page size") {
    StorageFixture fixture;
    auto [data, tags] = fixture.shared_streams("account_data", "tag_account_data");
    storage::AccountDataStore store{fixture.context(), *data, *tags};
    fixture.run(store.set_global("@a:test", "t1", "{}"));
    fixture.run(store.set_tag("@a:test", "!r:test", "u.a", R"({"x":1})"));
    fixture.run(store.set_room("@a:test", "!r:test", "t2", "{}"));
    fixture.run(store.set_global("@b:test", "t3", "{}"));

    const auto account_data = [&store](auto... args) { return store.updates_account_data(args...); };
    const auto tag_data = [&store](auto... args) { return store.updates_tags(args...); };
    const Strings expected{R"(2 ["@a:test",null,"t1"])", R"(4 ["@a:test","!r:test","t2"])",
                           R"(5 ["@b:test",null,"t3"])"};
    CHECK(catch_up(fixture, account_data, 1, 5, 1) == expected);
    CHECK(catch_up(fixture, account_data, 1, 5, 100) == expected);
    CHECK(catch_up(fixture, account_data, 2, 4, 100).size() == 1);
    CHECK(catch_up(fixture, tag_data, 1, 5, 1) ==
          Strings{R"(3 ["@a:test","!r:test","{\"u.a\":{\"x\":1}}"])"});
}

TEST_CASE("a tag whose content is not JSON does not stop catch-up") {
    StorageFixture fixture;
    auto [data, tags] = fixture.shared_streams("account_data", "tag_account_data");
    storage::AccountDataStore store{fixture.context(), *data, *tags};
    fixture.sql(
        "INSERT INTO room_tags VALUES ('@a:test', '!r:test', 'u.bad', 'not json'); "
        "INSERT INTO room_tags_revisions VALUES ('@a:test', '!r:test', 9)");

    CHECK(lines(fixture.run(store.updates_tags(1, 9, 100))) ==
          Strings{R"(9 ["@a:test","!r:test","{\"u.bad\":{}}"])"});
}

TEST_CASE("a reader's caches follow rows from the writer") {
    StorageFixture master;
    StorageFixture worker{master, "worker1"};
    auto [data, tags] = master.shared_streams("account_data", "tag_account_data");
    storage::AccountDataStore writing{master.context(), *data, *tags};
    auto [data_copy, tags_copy] = worker.shared_streams("account_data", "tag_account_data");
    storage::AccountDataStore reading{worker.context(), *data_copy, *tags_copy};
    data->set_publisher([copy = data_copy](std::int64_t token, const StreamRows& rows) {
        copy->apply("master", token, rows);
    });
    CHECK_FALSE(worker.run(reading.global_by_type("@a:test", "t")).has_value());

    master.run(writing.set_global("@a:test", "t", R"({"n":1})"));

    CHECK(worker.run(reading.global_by_type("@a:test", "t")) == R"({"n":1})");
    CHECK(reading.current() == 2);
    CHECK(reading.has_changed("@a:test", 1));
}

TEST_CASE("presence is one row a user, the last of a batch, with a token each") {
    StorageFixture fixture;
    auto& stream = fixture.stream("presence");
    storage::PresenceStore presence{fixture.context(), stream};
    Announced announced{stream};
    storage::PresenceState online{"@a:test", "online", 10, 11, 12, "here \"now\"", true};
    storage::PresenceState away{"@b:test", "unavailable", 20, 0, 0, std::nullopt, false};
    auto earlier = online;
    earlier.state = "offline";

    CHECK(fixture.run(presence.update({earlier, away, online})) == 3);
    CHECK(fixture.run(presence.update({})) == 3);

    CHECK(announced.lines == Strings{R"(2 ["@a:test","online",10,11,12,"here \"now\"",true])",
                                     R"(3 ["@b:test","unavailable",20,0,0,null,false])"});
    CHECK(fixture.run(presence.get({"@a:test", "@b:test", "@c:test"})) ==
          std::map<std::string, storage::PresenceState>{{"@a:test", online}, {"@b:test", away}});

    away.state = "offline";
    fixture.run(presence.update({away}));
    CHECK(fixture.run(presence.get({"@b:test"})).at("@b:test").state == "offline");
    CHECK(fixture.run(presence.all_not_offline()) == std::vector<storage::PresenceState>{online});
    CHECK(fixture.sql("SELECT count(*) FROM presence_stream").front().front() == "2");
    CHECK(lines(fixture.run(presence.updates(2, 4, 100))) ==
          Strings{R"(4 ["@b:test","offline",20,0,0,null,false])"});
}

TEST_CASE("a presence row is read back as it was written") {
    const storage::PresenceState state{"@a:test", "online", 10, 11, 12, "hi", true};

    CHECK(storage::presence_from_row(storage::presence_row(state)) == state);
    CHECK_FALSE(storage::presence_from_row(boost::json::value(7)).has_value());
}

TEST_CASE("to-device messages reach existing devices, in order, until they are deleted") {
    StorageFixture fixture;
    auto& stream = fixture.stream("to_device");
    storage::ToDeviceStore inbox{fixture.context(), stream};
    Announced announced{stream};
    fixture.sql(
        "INSERT INTO devices (user_id, device_id, hidden) VALUES ('@a:test', 'D1', FALSE), "
        "('@a:test', 'D2', FALSE), ('@a:test', 'key', TRUE)");

    CHECK(fixture.run(
              inbox.add_messages({{"@a:test", "*", R"({"n":1})"}, {"@a:test", "D9", R"({"n":0})"}})) == 2);
    CHECK(fixture.run(inbox.add_messages({{"@a:test", "D1", R"({"n":2})"}})) == 3);
    CHECK(announced.lines == Strings{R"(2 ["@a:test"])", R"(3 ["@a:test"])"});

    const auto batch = fixture.run(inbox.get_messages("@a:test", "D1", 1, 3));
    CHECK(batch.messages == Strings{R"({"n":1})", R"({"n":2})"});
    CHECK(batch.upto == 3);
    CHECK(fixture.run(inbox.get_messages("@a:test", "D2", 1, 3)).messages == Strings{R"({"n":1})"});
    CHECK(fixture.run(inbox.get_messages("@a:test", "D1", 3, 3)).messages.empty());
    CHECK(fixture.sql("SELECT count(*) FROM device_inbox").front().front() == "3");

    CHECK(fixture.run(inbox.delete_messages("@a:test", "D1", 2)) == 1);
    CHECK(fixture.run(inbox.delete_messages("@a:test", "D1", 2)) == 0);
    CHECK(fixture.run(inbox.delete_messages("@a:test", "D1", 3)) == 1);
    CHECK(fixture.sql("SELECT stream_id FROM device_max_stream_id").front().front() == "3");
}

TEST_CASE("a full batch of to-device messages does not part those of one token") {
    StorageFixture fixture;
    storage::ToDeviceStore inbox{fixture.context(), fixture.stream("to_device")};
    fixture.sql("INSERT INTO devices (user_id, device_id, hidden) VALUES ('@a:test', 'D1', FALSE)");
    fixture.run(inbox.add_messages({{"@a:test", "D1", "1"}, {"@a:test", "D1", "2"}, {"@a:test", "D1", "3"}}));
    fixture.run(inbox.add_messages({{"@a:test", "D1", "4"}}));

    const auto batch = fixture.run(inbox.get_messages("@a:test", "D1", 1, 3, 2));

    CHECK(batch.messages.size() == 3);
    CHECK(batch.upto == 2);
    CHECK(fixture.run(inbox.get_messages("@a:test", "D1", batch.upto, 3, 2)).messages == Strings{"4"});
}

TEST_CASE("to-device catch-up loses nothing over gaps wider than a page") {
    StorageFixture fixture;
    storage::ToDeviceStore inbox{fixture.context(), fixture.stream("to_device")};
    fixture.sql(
        "INSERT INTO device_inbox VALUES ('@a:test', 'D', 5, '{}'), ('@a:test', 'D', 350, '{}'), "
        "('@b:test', 'D', 351, '{}'); "
        "INSERT INTO device_federation_outbox VALUES ('one.example', 352, 0, '{}')");

    const auto updates = [&inbox](auto... args) { return inbox.updates(args...); };

    CHECK(catch_up(fixture, updates, 1, 400, 100) ==
          Strings{R"(5 ["@a:test"])", R"(350 ["@a:test"])", R"(351 ["@b:test"])", R"(352 ["one.example"])"});
}

TEST_CASE("a room is listed in the directory once it is made public") {
    StorageFixture fixture;
    auto& stream = fixture.stream("public_rooms");
    storage::RoomDirectoryStore directory{fixture.context(), stream};
    Announced announced{stream};
    fixture.sql(
        "INSERT INTO rooms (room_id, is_public) VALUES ('!a:test', FALSE), ('!b:test', FALSE), ('!c:test', "
        "FALSE); "
        "INSERT INTO current_state_events (event_id, room_id, type, state_key, membership) VALUES "
        "('$1', '!a:test', 'm.room.member', '@x:test', 'join'), "
        "('$2', '!b:test', 'm.room.member', '@x:test', 'join'), "
        "('$3', '!b:test', 'm.room.member', '@y:test', 'join'), "
        "('$4', '!b:test', 'm.room.member', '@z:test', 'leave')");
    const auto ids = [](const std::vector<storage::PublicRoom>& rooms) {
        Strings out;
        for (const auto& room : rooms)
            out.push_back(room.room_id + " " + std::to_string(room.joined_members));
        return out;
    };

    CHECK_FALSE(fixture.run(directory.is_public("!a:test")));
    CHECK(fixture.run(directory.set_public("!a:test", true)) == 2);
    CHECK_FALSE(fixture.run(directory.set_public("!a:test", true)).has_value());
    CHECK_FALSE(fixture.run(directory.set_public("!unknown:test", true)).has_value());
    fixture.run(directory.set_public("!b:test", true));
    fixture.run(directory.set_public("!c:test", true));

    CHECK(fixture.run(directory.is_public("!a:test")));
    CHECK(announced.lines.at(0) == R"(2 ["!a:test",true,null,null])");
    const auto rooms = fixture.run(directory.public_rooms(10));
    CHECK(ids(rooms) == Strings{"!b:test 2", "!a:test 1"});
    CHECK(ids(fixture.run(directory.public_rooms(10, rooms[0]))) == Strings{"!a:test 1"});
    CHECK(fixture.run(directory.count_public_rooms()) == 2);
    CHECK(lines(fixture.run(directory.updates(1, stream.current(), 100))) == announced.lines);
}

TEST_CASE("an alias belongs to one room until it is deleted") {
    StorageFixture fixture;
    storage::RoomDirectoryStore directory{fixture.context(), fixture.stream("public_rooms")};
    const storage::RoomAlias alias{"#a:test", "!a:test", "@x:test", {"test", "two.example"}};
    CHECK(fixture.run(directory.aliases_of_room("!a:test"))->empty());

    CHECK(fixture.run(directory.create_alias(alias)));
    CHECK_FALSE(fixture.run(directory.create_alias({"#a:test", "!b:test", std::nullopt, {}})));

    const auto found = fixture.run(directory.get_alias("#a:test"));
    REQUIRE(found.has_value());
    CHECK(found->room_id == "!a:test");
    CHECK(found->creator == "@x:test");
    CHECK(found->servers == Strings{"test", "two.example"});
    CHECK(*fixture.run(directory.aliases_of_room("!a:test")) == Strings{"#a:test"});
    CHECK(fixture.run(directory.delete_alias("#a:test")) == "!a:test");
    CHECK_FALSE(fixture.run(directory.delete_alias("#a:test")).has_value());
    CHECK_FALSE(fixture.run(directory.get_alias("#a:test")).has_value());
    CHECK(fixture.run(directory.aliases_of_room("!a:test"))->empty());
    CHECK(fixture.sql("SELECT count(*) FROM room_alias_servers").front().front() == "0");
    CHECK(fixture.sql("SELECT count(*) FROM cache_invalidation_stream_by_instance").front().front() == "2");
}
