// What people outside learn of rooms: summaries and the trees of spaces; and the event closest to a time.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr auto kSpace =
    R"({"preset": "public_chat", "name": "space", "creation_content": {"type": "m.space"}})";

std::string named(const std::string& name, const std::string& preset = "public_chat") {
    return proto::to_json(json::object{{"preset", preset}, {"name", name}});
}

void add_child(HomeserverFixture& fixture, const std::string& space, const std::string& child,
               json::object more = {}) {
    more["via"] = json::array{"test"};
    fixture.set_state("alice", space, "m.space.child", proto::to_json(more), child);
}

HomeserverFixture::Answer summary(HomeserverFixture& fixture, const std::string& token,
                                  const std::string& room) {
    return fixture.get(token, "/_matrix/client/v1/room_summary/" + room);
}

HomeserverFixture::Answer hierarchy(HomeserverFixture& fixture, const std::string& token,
                                    const std::string& room, const std::string& query = {}) {
    return fixture.get(token, fmt::format("/_matrix/client/v1/rooms/{}/hierarchy{}", room, query));
}

Strings names(const HomeserverFixture::Answer& answer) {
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    Strings out;
    for (const auto& room : answer.body.at("rooms").as_array())
        out.push_back(text_at(room.as_object(), "name"));
    return out;
}

}  // namespace

TEST_CASE("a room's summary is for those who may join or read it", "[previews]") {
    HomeserverFixture fixture;
    const auto open = fixture.create_room("alice", named("open"));
    const auto closed = fixture.create_room("alice", named("closed", "private_chat"));

    const auto seen = summary(fixture, "bob", open);
    REQUIRE(seen.status == 200);
    CHECK(seen.text("name") == "open");
    CHECK(seen.text("join_rule") == "public");
    CHECK(seen.text("membership") == "leave");
    CHECK(seen.text("room_version") == fixture.config.default_room_version);
    CHECK(seen.body.at("num_joined_members") == 1);
    CHECK(summary(fixture, "bob", closed).errcode() == "M_NOT_FOUND");
    CHECK(summary(fixture, "bob", "!nowhere:test").errcode() == "M_NOT_FOUND");
    fixture.change("alice", closed, "invite", "bob");
    CHECK(summary(fixture, "bob", closed).text("membership") == "invite");
    fixture.set_state("alice", open, "m.room.encryption", R"({"algorithm": "m.megolm.v1.aes-sha2"})");
    CHECK(fixture.get("alice", "/_matrix/client/unstable/im.nheko.summary/rooms/" + open + "/summary")
              .text("encryption") == "m.megolm.v1.aes-sha2");
}

TEST_CASE("a restricted room is shown to members of the rooms it names", "[previews]") {
    HomeserverFixture fixture;
    const auto lobby = fixture.create_room("alice", named("lobby"));
    const auto room = fixture.create_room("alice", named("inner", "private_chat"));
    fixture.set_state(
        "alice", room, "m.room.join_rules",
        proto::to_json(json::object{{"join_rule", "restricted"},
                                    {"allow", {{{"type", "m.room_membership"}, {"room_id", lobby}}}}}));

    CHECK(summary(fixture, "bob", room).errcode() == "M_NOT_FOUND");
    fixture.join("bob", lobby);
    const auto seen = summary(fixture, "bob", room);
    REQUIRE(seen.status == 200);
    CHECK(seen.body.at("allowed_room_ids") == json::array{lobby});
}

TEST_CASE("a space's tree comes depth first, in the order of its children, without what is closed",
          "[previews]") {
    HomeserverFixture fixture;
    const auto space = fixture.create_room("alice", kSpace);
    const auto inner = fixture.create_room(
        "alice", R"({"preset": "public_chat", "name": "inner", "creation_content": {"type": "m.space"}})");
    const auto first = fixture.create_room("alice", named("first"));
    const auto last = fixture.create_room("alice", named("last"));
    const auto leaf = fixture.create_room("alice", named("leaf"));
    const auto closed = fixture.create_room("alice", named("closed", "private_chat"));
    add_child(fixture, space, last);
    add_child(fixture, space, inner, {{"order", "b"}});
    add_child(fixture, space, first, {{"order", "a"}, {"suggested", true}});
    add_child(fixture, space, closed, {{"order", "c"}});
    add_child(fixture, inner, leaf);
    add_child(fixture, inner, space);  // a circle

    CHECK(names(hierarchy(fixture, "bob", space)) == Strings{"space", "first", "inner", "leaf", "last"});
    CHECK(names(hierarchy(fixture, "alice", space)) ==
          Strings{"space", "first", "inner", "leaf", "closed", "last"});
    CHECK(names(hierarchy(fixture, "bob", space, "?max_depth=1")) ==
          Strings{"space", "first", "inner", "last"});
    CHECK(names(hierarchy(fixture, "bob", space, "?max_depth=0")) == Strings{"space"});
    const auto suggested = hierarchy(fixture, "bob", space, "?suggested_only=true");
    CHECK(names(suggested) == Strings{"space", "first"});
    const auto& link = suggested.body.at("rooms").at(0).at("children_state").as_array();
    REQUIRE(link.size() == 1);
    CHECK(text_at(link.front().as_object(), "state_key") == first);
    CHECK(link.front().as_object().contains("origin_server_ts"));
}

TEST_CASE("a space's tree comes in pages that any process can give", "[previews]") {
    HomeserverFixture fixture;
    const auto space = fixture.create_room("alice", kSpace);
    for (const auto* name : {"a", "b", "c"})
        add_child(fixture, space, fixture.create_room("alice", named(name)), {{"order", name}});
    auto& reader = fixture.start_worker("reader");

    const auto first = hierarchy(fixture, "bob", space, "?limit=2&max_depth=5");
    CHECK(names(first) == Strings{"space", "a"});
    const auto path =
        fmt::format("/_matrix/client/v1/rooms/{}/hierarchy?limit=2&from={}", space, first.text("next_batch"));
    const auto second = fixture.run(fixture.request(reader, http::Method::kGet, "bob", path, ""));
    CHECK(names(second) == Strings{"b", "c"});
    CHECK(second.text("next_batch").empty());
    for (const auto* query : {"?max_depth=3&from=", "?suggested_only=true&from="}) {
        CHECK(hierarchy(fixture, "bob", space, query + first.text("next_batch")).errcode() ==
              "M_INVALID_PARAM");
    }
    for (const auto* query :
         {"?from=x", "?limit=0", "?limit=-1", "?max_depth=-1", "?from=h1_1", "?from=h1_1_2"}) {
        CAPTURE(query);
        CHECK(hierarchy(fixture, "bob", space, query).errcode() == "M_INVALID_PARAM");
    }
    const auto closed = fixture.create_room("alice", named("closed", "private_chat"));
    CHECK(hierarchy(fixture, "bob", closed).errcode() == "M_FORBIDDEN");
    CHECK(hierarchy(fixture, "bob", "!nowhere:test").errcode() == "M_FORBIDDEN");
}

TEST_CASE("the event closest to a time is found in both directions", "[previews]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto first = fixture.say("alice", room, "first");
    const auto second = fixture.say("alice", room, "second");
    fixture.sql("UPDATE events SET origin_server_ts = 1000 WHERE room_id = '" + room + "'");
    fixture.sql("UPDATE events SET origin_server_ts = 2000 WHERE event_id = '" + first + "'");
    fixture.sql("UPDATE events SET origin_server_ts = 3000 WHERE event_id = '" + second + "'");
    const auto find = [&](const std::string& token, const std::string& query) {
        return fixture.get(token,
                           fmt::format("/_matrix/client/v1/rooms/{}/timestamp_to_event?{}", room, query));
    };

    CHECK(find("alice", "ts=1500&dir=f").text("event_id") == first);
    CHECK(find("alice", "ts=2500&dir=b").text("event_id") == first);
    CHECK(find("alice", "ts=3000&dir=b").text("event_id") == second);
    CHECK(find("alice", "ts=3001&dir=f").errcode() == "M_NOT_FOUND");
    CHECK(find("alice", "ts=999&dir=b").errcode() == "M_NOT_FOUND");
    CHECK(find("alice", "ts=1&dir=x").errcode() == "M_INVALID_PARAM");
    CHECK(find("alice", "dir=f").errcode() == "M_MISSING_PARAM");
    CHECK(find("alice", "ts=-1&dir=f").errcode() == "M_INVALID_PARAM");
    CHECK(find("bob", "ts=1&dir=f").errcode() == "M_FORBIDDEN");
}

TEST_CASE("the event closest to a time is one that the user may see", "[previews]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice", R"({"preset": "public_chat", "initial_state": [
        {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}]})");
    const auto before = fixture.say("alice", room, "before");
    fixture.join("bob", room);
    fixture.sql("UPDATE events SET origin_server_ts = stream_ordering");
    const auto time =
        fixture.sql("SELECT stream_ordering FROM events WHERE event_id = '" + before + "'").front().front();

    const auto path = fmt::format("/_matrix/client/v1/rooms/{}/timestamp_to_event?dir=f&ts={}", room, time);
    CHECK(fixture.get("alice", path).text("event_id") == before);
    const auto found = fixture.get("bob", path);
    REQUIRE(found.status == 200);
    const auto shown = fixture.get("bob", fmt::format("/rooms/{}/event/{}", room, found.text("event_id")));
    CHECK(shown.text("type") == "m.room.member");
    CHECK(shown.text("sender") == "@bob:test");
}
