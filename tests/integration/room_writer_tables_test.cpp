// What persisting an event leaves in the tables beside the event itself.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"

using namespace weft;
using namespace weft::test;
using Table = std::vector<std::vector<std::string>>;

namespace {

std::string relation(const std::string& type, const std::string& target) {
    return R"({"m.relates_to": {"rel_type": ")" + type + R"(", "event_id": ")" + target +
           R"(", "key": "+1"}})";
}

}  // namespace

TEST_CASE("texts, names and topics can be searched, other events cannot", "[persist_tables]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room(
        "alice", R"({"preset": "public_chat", "name": "Gardeners", "topic": "Growing roses"})");
    const auto text = fixture.say("alice", room, "The roses have been watered");
    fixture.put("alice", "/rooms/" + room + "/send/m.reaction/t1", relation("m.annotation", text));
    fixture.put("alice", "/rooms/" + room + "/send/m.room.message/t2",
                R"({"msgtype": "m.text", "body": ""})");
    fixture.put("alice", "/rooms/" + room + "/send/m.room.message/t3", R"({"msgtype": "m.text", "body": 7})");

    CHECK(fixture.sql("SELECT key, room_id, sender FROM event_search ORDER BY stream_ordering") ==
          Table{{"content.name", room, "@alice:test"},
                {"content.topic", room, "@alice:test"},
                {"content.body", room, "@alice:test"}});
    CHECK(fixture.sql(
              "SELECT event_id FROM event_search WHERE vector @@ to_tsquery('english', 'watering & rose')") ==
          Table{{text}});
    CHECK(fixture.sql(
              "SELECT count(*) FROM event_search s JOIN events e USING (event_id) "
              "WHERE s.stream_ordering <> e.stream_ordering OR s.origin_server_ts <> e.origin_server_ts") ==
          Table{{"0"}});
}

TEST_CASE("a text with a zero character is stored and found", "[persist_tables]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto answer = fixture.put("alice", "/rooms/" + room + "/send/m.room.message/t1",
                                    R"({"msgtype": "m.text", "body": "nought\u0000 and crosses"})");

    REQUIRE(answer.status == 200);
    CHECK(fixture.sql("SELECT event_id FROM event_search WHERE vector @@ to_tsquery('english', 'cross')") ==
          Table{{answer.text("event_id")}});
}

TEST_CASE("a redacted event is found no more and relates to nothing, one of another room is not touched",
          "[persist_tables]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto other = fixture.create_room("alice");
    const auto text = fixture.say("alice", room, "secret");
    const auto foreign = fixture.say("alice", other, "elsewhere");
    const auto reaction =
        fixture.put("alice", "/rooms/" + room + "/send/m.reaction/t1", relation("m.annotation", text))
            .text("event_id");
    REQUIRE(
        fixture.sql("SELECT event_id, relates_to_id, relation_type, aggregation_key FROM event_relations") ==
        Table{{reaction, text, "m.annotation", "+1"}});

    for (const auto& target : {text, reaction}) {
        REQUIRE(fixture.put("alice", "/rooms/" + room + "/redact/" + target + "/r" + target.substr(1), "{}")
                    .status == 200);
    }

    CHECK(fixture.sql("SELECT event_id FROM event_search") == Table{{foreign}});
    CHECK(fixture.sql("SELECT count(*) FROM event_relations") == Table{{"0"}});
    CHECK(fixture.sql("SELECT count(*) FROM redactions") == Table{{"2"}});
}

TEST_CASE("a local user's membership stays known after the room's current state is gone",
          "[persist_tables]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    fixture.join("bob", room);
    fixture.change("alice", room, "ban", "bob");
    fixture.change("alice", room, "invite", "carol");
    fixture.change("alice", room, "leave");

    CHECK(fixture.sql("SELECT count(*) FROM current_state_events") == Table{{"0"}});
    CHECK(fixture.sql("SELECT l.user_id, l.membership FROM local_current_membership l "
                      "JOIN room_memberships m ON m.event_id = l.event_id AND m.membership = l.membership "
                      "ORDER BY 1") ==
          Table{{"@alice:test", "leave"}, {"@bob:test", "ban"}, {"@carol:test", "invite"}});
}

TEST_CASE("the ends of the room are on record for each point of the stream", "[persist_tables]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto first = fixture.say("alice", room, "one");
    const auto second = fixture.say("alice", room, "two");

    CHECK(
        fixture.sql("SELECT x.event_id FROM stream_ordering_to_exterm x JOIN events e USING (event_id) "
                    "WHERE x.stream_ordering = e.stream_ordering ORDER BY x.stream_ordering DESC LIMIT 2") ==
        Table{{second}, {first}});
}

TEST_CASE("a room's stats follow its state", "[persist_tables]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room(
        "alice", R"({"preset": "public_chat", "name": "Club", "creation_content": {"m.federate": false}})");
    for (const auto* user : {"bob", "carol", "dave"}) fixture.join(user, room);
    fixture.change("alice", room, "ban", "carol");
    fixture.change("dave", room, "leave");
    fixture.change("alice", room, "invite", "erin");
    const auto counts = [&] {
        return fixture.sql(
            "SELECT current_state_events = (SELECT count(*) FROM current_state_events), joined_members, "
            "invited_members, "
            "left_members, banned_members, local_users_in_room FROM room_stats_current WHERE room_id = '" +
            room + "'");
    };
    const auto texts = [&] {
        return fixture.sql(
            "SELECT name, topic, join_rules, is_federatable, encryption FROM room_stats_state WHERE room_id "
            "= '" +
            room + "'");
    };

    CHECK(counts() == Table{{"t", "2", "1", "1", "1", "2"}});
    CHECK(texts() == Table{{"Club", "NULL", "public", "f", "NULL"}});

    fixture.set_state("alice", room, "m.room.topic", R"({"topic": "All\u0000 welcome"})");
    fixture.set_state("alice", room, "m.room.name", R"({"name": 5})");
    CHECK(texts() == Table{{"NULL", "All welcome", "public", "f", "NULL"}});

    // A room that has no row yet, as one of an adopted database may not, is counted.
    fixture.sql("DELETE FROM room_stats_current");
    fixture.join("erin", room);
    CHECK(counts() == Table{{"t", "3", "0", "1", "1", "3"}});

    for (const auto* user : {"alice", "bob", "erin"}) fixture.change(user, room, "leave");
    CHECK(counts() == Table{{"t", "0", "0", "0", "0", "0"}});
}

namespace {

/// Stores events as those of another server would be, one batch each.
struct Foreign {
    explicit Foreign(HomeserverFixture& on) : fixture{on}, room{fixture.create_room("alice")} {
        leaf = fixture.sql("SELECT event_id FROM event_forward_extremities").at(0).at(0);
        group = std::stoll(
            fixture.sql("SELECT state_group FROM event_to_state_groups WHERE event_id = '" + leaf + "'")
                .at(0)
                .at(0));
    }

    std::string persist(const std::string& id, const std::string& prev, proto::EventMetadata metadata) {
        const auto& version = proto::RoomVersion::get("11");
        boost::json::object pdu{{"type", "m.room.member"},
                                {"state_key", "@zoe:elsewhere"},
                                {"sender", "@zoe:elsewhere"},
                                {"room_id", room},
                                {"depth", 50},
                                {"origin_server_ts", 1},
                                {"content", {{"membership", "join"}}},
                                {"prev_events", boost::json::array{prev}},
                                {"auth_events", boost::json::array{leaf}}};
        storage::PersistBatch batch{proto::RoomId::trusted(room)};
        batch.version = &version;
        batch.may_have_gaps = true;
        batch.lease = fixture.master->stores.persist->lease().number();
        storage::EventToPersist item;
        item.event =
            proto::Event::from_built(proto::EventId::trusted(id), pdu, proto::to_json(pdu), version, metadata)
                .value();
        item.state_group = metadata.outlier ? 0 : group;
        batch.events.push_back(std::move(item));
        batch.forward_extremities = {proto::EventId::trusted(leaf)};
        fixture.run(fixture.master->stores.persist->persist(std::move(batch), [](const auto&) {}));
        return id;
    }
    std::string count(const std::string& table, const std::string& id) {
        return fixture.sql("SELECT count(*) FROM " + table + " WHERE event_id = '" + id + "'").at(0).at(0);
    }

    HomeserverFixture& fixture;
    std::string room;
    std::string leaf;
    std::int64_t group = 0;
};

}  // namespace

TEST_CASE("a rejected event is noted, with what it was judged by, and is part of nothing",
          "[persist_tables]") {
    HomeserverFixture fixture;
    Foreign foreign{fixture};
    proto::EventMetadata rejected;
    rejected.rejected_reason = "rule 5";

    const auto id = foreign.persist("$rejected", foreign.leaf, rejected);

    CHECK(fixture.sql("SELECT reason FROM rejections WHERE event_id = '" + id + "'") == Table{{"rule 5"}});
    for (const auto* table :
         {"events", "event_json", "event_auth", "event_to_state_groups", "event_auth_chains"}) {
        INFO(table);
        CHECK(foreign.count(table, id) == "1");
    }
    for (const auto* table : {"event_edges", "state_events", "room_memberships", "current_state_events",
                              "event_backward_extremities"}) {
        INFO(table);
        CHECK(foreign.count(table, id) == "0");
    }
    CHECK_FALSE(fixture.run(fixture.master->stores.events.get_event(proto::EventId::trusted(id))));
    CHECK(fixture.run(fixture.master->stores.events.get_events({proto::EventId::trusted(id)}, true)).size() ==
          1);
}

TEST_CASE("an outlier has no state group and is no gap, but makes a member known", "[persist_tables]") {
    HomeserverFixture fixture;
    Foreign foreign{fixture};
    proto::EventMetadata outlier;
    outlier.outlier = true;

    const auto id = foreign.persist("$outlier", "$unknown", outlier);

    CHECK(foreign.count("event_to_state_groups", id) == "0");
    CHECK(foreign.count("room_memberships", id) == "1");
    CHECK(foreign.count("event_edges", id) == "1");
    CHECK(fixture.sql("SELECT count(*) FROM event_backward_extremities") == Table{{"0"}});
}

TEST_CASE("previous events that are missing are on record until they come", "[persist_tables]") {
    HomeserverFixture fixture;
    Foreign foreign{fixture};

    foreign.persist("$second", "$first", {});
    CHECK(fixture.sql("SELECT event_id FROM event_backward_extremities") == Table{{"$first"}});
    CHECK(fixture.sql("SELECT event_id FROM event_forward_extremities") == Table{{foreign.leaf}});
    foreign.persist("$first", foreign.leaf, {});
    CHECK(fixture.sql("SELECT count(*) FROM event_backward_extremities") == Table{{"0"}});
}
