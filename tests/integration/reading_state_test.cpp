#include "reading_fixture.hpp"
#include "weft/http/uri.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr auto kPublic = R"({"preset": "public_chat"})";
constexpr auto kHiddenBeforeJoin = R"({"preset": "public_chat", "initial_state": [
    {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}]})";

std::string naming(const std::string& user_id) {
    return proto::to_json(json::object{{"user_id", user_id}});
}

}  // namespace

TEST_CASE("an event is found in its own room only, with the transaction ID for its device", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    const auto other = fixture.create_room(kAlice);
    fixture.act(room, kBob, "join");
    const auto event_id = fixture.say(room, kAlice, "x");

    const auto mine = fixture.in(room, kAlice, "event/" + event_id);
    CHECK(mine.text("room_id") == room);
    CHECK(mine.text("event_id") == event_id);
    CHECK(proto::get_string(mine.body.at("unsigned").as_object(), "transaction_id") ==
          std::to_string(fixture.txn));
    const auto theirs = fixture.in(room, kBob, "event/" + event_id);
    CHECK_FALSE(theirs.body.at("unsigned").as_object().contains("transaction_id"));
    CHECK(fixture.in(other, kAlice, "event/" + event_id).errcode() == "M_NOT_FOUND");
    CHECK(fixture.in(room, kAlice, "event/$unknown").errcode() == "M_NOT_FOUND");
    CHECK(fixture.in(room, kAlice, "event/nonsense").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("a redacted event comes pruned, with its redaction", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice);
    const auto event_id = fixture.say(room, kAlice, "secret");
    REQUIRE(fixture.put(kAlice, fmt::format("/rooms/{}/redact/{}/r", room, event_id)).status == 200);

    const auto answer = fixture.in(room, kAlice, "event/" + event_id);
    CHECK(answer.body.at("content").as_object().empty());
    CHECK(answer.body.at("unsigned").at("redacted_because").at("type").as_string() == "m.room.redaction");
}

TEST_CASE("what a state event replaced is shown with it until that is redacted", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice);
    fixture.set_state(room, kAlice, "m.room.topic", {{"topic", "insult"}});
    fixture.set_state(room, kAlice, "m.room.topic", {{"topic", "peace"}});
    const auto messages = fixture.in(room, kAlice, "messages?dir=b&limit=2");
    const auto& chunk = messages.body.at("chunk").as_array();
    const std::string newer{chunk.at(0).at("event_id").as_string()};
    const std::string older{chunk.at(1).at("event_id").as_string()};
    const auto quoted = [&] {
        const auto answer = fixture.in(room, kAlice, "event/" + newer);
        CHECK(answer.body.at("unsigned").at("replaces_state").as_string() == older);
        CHECK(answer.body.at("unsigned").at("prev_sender").as_string() == kAlice);
        return answer.body.at("unsigned").at("prev_content").as_object();
    };
    CHECK(quoted() == json::object{{"topic", "insult"}});
    // Nothing of it is stored twice, so that nothing is left behind.
    CHECK(fixture.storage.sql("SELECT count(*) FROM event_json WHERE json LIKE '%insult%'").at(0).at(0) == "1");
    REQUIRE(fixture.put(kAlice, fmt::format("/rooms/{}/redact/{}/r", room, older)).status == 200);
    CHECK(quoted().empty());
}

TEST_CASE("the context of an event is what happened around it", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    for (const auto& user : {kBob, kCarol}) fixture.act(room, user, "join");
    fixture.say(room, kAlice, "1");
    fixture.say(room, kBob, "2");
    const auto middle = fixture.say(room, kAlice, "3");
    fixture.say(room, kAlice, "4");
    fixture.say(room, kAlice, "5");
    fixture.set_state(room, kAlice, "m.room.topic", {{"topic", "T"}});

    const auto context = fixture.in(room, kAlice, "context/" + middle + "?limit=4");
    CHECK(bodies(context, "events_before") == Texts{"2", "1"});
    CHECK(bodies(context, "events_after") == Texts{"4", "5"});
    CHECK(context.body.at("event").at("event_id").as_string() == middle);
    const auto state = keys(context, "state");
    CHECK(std::count(state.begin(), state.end(), "m.room.member/@carol:test") == 1);
    CHECK(std::count(state.begin(), state.end(), "m.room.topic/") == 0);  // set after the last event returned
    const auto older = fixture.in(room, kAlice, "messages?dir=b&limit=1&from=" + context.text("start"));
    CHECK(keys(older, "chunk") == Texts{"m.room.member/@carol:test"});
    const auto newer = fixture.in(room, kAlice, "messages?dir=f&limit=1&from=" + context.text("end"));
    CHECK(keys(newer, "chunk") == Texts{"m.room.topic/"});

    const auto alone = fixture.in(room, kAlice, "context/" + middle + "?limit=0");
    CHECK(bodies(alone, "events_before").empty());
    CHECK(bodies(alone, "events_after").empty());
    CHECK(bodies(fixture.in(room, kAlice, "messages?dir=b&limit=1&from=" + alone.text("start"))) ==
          Texts{"2"});
    CHECK(bodies(fixture.in(room, kAlice, "messages?dir=f&limit=1&from=" + alone.text("end"))) == Texts{"4"});
    CHECK(bodies(fixture.in(room, kAlice, "context/" + middle + "?limit=1"), "events_after") == Texts{"4"});
    CHECK(fixture.in(room, "@dave:test", "context/" + middle).errcode() == "M_NOT_FOUND");
}

TEST_CASE("the context obeys its filter, but for the event itself", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    for (const auto& user : {kBob, kCarol}) fixture.act(room, user, "join");
    fixture.say(room, kAlice, "0");
    const auto event_id = fixture.say(room, kAlice, "1");
    fixture.say(room, kBob, "2");

    const auto with = [&](const json::object& filter) {
        return fixture.in(room, kAlice,
                          fmt::format("context/{}?limit=2&filter={}", event_id,
                                      http::percent_encode(proto::to_json(filter))));
    };
    const auto lazy =
        keys(with({{"lazy_load_members", true}, {"not_types", {"m.room.power_levels"}}}), "state");
    CHECK(std::count(lazy.begin(), lazy.end(), "m.room.member/@alice:test") == 1);
    CHECK(std::count(lazy.begin(), lazy.end(), "m.room.member/@bob:test") == 1);
    CHECK(std::count(lazy.begin(), lazy.end(), "m.room.member/@carol:test") == 0);
    CHECK(std::count(lazy.begin(), lazy.end(), "m.room.create/") == 1);
    CHECK(std::count(lazy.begin(), lazy.end(), "m.room.power_levels/") == 0);

    const auto bobs = with({{"senders", {kBob}}});
    CHECK(bodies(bobs, "events_after") == Texts{"2"});
    CHECK(bobs.body.at("event").at("event_id").as_string() == event_id);
    CHECK(keys(bobs, "state") == Texts{"m.room.member/@bob:test"});
    CHECK(with({{"types", json::array{}}}).body.at("state").as_array().empty());
}

TEST_CASE("members can be asked for by membership and point in time", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    const auto alone = fmt::format("s{}_0_0", fixture.events_stream.current());
    fixture.act(room, kBob, "join");
    fixture.act(room, kAlice, "invite", naming("@dave:test"));
    fixture.act(room, kCarol, "join");
    fixture.act(room, kCarol, "leave");

    const auto members = [&](std::string_view query) {
        Texts out = keys(fixture.in(room, kAlice, fmt::format("members?{}", query)), "chunk");
        for (auto& key : out) key = key.substr(key.find('/') + 1);
        return out;
    };
    CHECK(members("") == Texts{kAlice, kBob, kCarol, "@dave:test"});
    CHECK(members("membership=join") == Texts{kAlice, kBob});
    CHECK(members("not_membership=leave") == Texts{kAlice, kBob, "@dave:test"});
    CHECK(members("membership=invite&not_membership=join") == Texts{kCarol, "@dave:test"});
    CHECK(members("at=" + alone) == Texts{kAlice});
    CHECK(members("at=" + alone + "&membership=leave").empty());
    CHECK(fixture.in(room, kAlice, "members?at=x").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.in(room, kAlice, "members?membership=x").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.in(room, "@erin:test", "members").errcode() == "M_FORBIDDEN");
}

TEST_CASE("members of a time before one's own are hidden where the history is", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kHiddenBeforeJoin);
    fixture.say(room, kAlice, "before");
    const auto before = fmt::format("s{}", fixture.events_stream.current());
    fixture.act(room, kBob, "join");

    CHECK(fixture.in(room, kBob, "members?at=" + before).errcode() == "M_FORBIDDEN");
    const auto now = fmt::format("s{}", fixture.events_stream.current());
    CHECK(keys(fixture.in(room, kBob, "members?at=" + now), "chunk").size() == 2);
}

TEST_CASE("joined members come with their names", "[reading]") {
    ReadingFixture fixture;
    fixture.storage.run(fixture.profiles.set_displayname("bob", "Bob"));
    const auto room = fixture.create_room(kAlice, kPublic);
    fixture.act(room, kBob, "join");
    fixture.act(room, kCarol, "join");
    fixture.act(room, kCarol, "leave");

    const auto answer = fixture.in(room, kAlice, "joined_members");
    CHECK(answer.body ==
          json::object{{"joined", {{kAlice, json::object{}}, {kBob, {{"display_name", "Bob"}}}}}});
    CHECK(fixture.in(room, kCarol, "joined_members").errcode() == "M_FORBIDDEN");
}

TEST_CASE("state can be read whole and by key", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, R"({"name": "N"})");
    REQUIRE(fixture.put(kAlice, "/rooms/" + room + "/state/x.y/a%20b", R"({"n": 1})").status == 200);

    const auto all = keys(fixture.list(room, kAlice, "state"));
    CHECK(std::count(all.begin(), all.end(), "m.room.name/") == 1);
    CHECK(std::count(all.begin(), all.end(), "x.y/a b") == 1);
    for (const auto* const tail : {"state/m.room.name", "state/m.room.name/"}) {
        CHECK(fixture.in(room, kAlice, tail).body == json::object{{"name", "N"}});
    }
    http::Request request;
    request.path = request.target = "/_matrix/client/v3/rooms/" + room + "/state/x.y/a%20b";
    request.headers.set("Authorization", "Bearer " + kAlice);
    CHECK(fixture.storage.run(fixture.router.handle(std::move(request))).body == R"({"n":1})");

    const auto event = fixture.in(room, kAlice, "state/m.room.name?format=event");
    CHECK(event.text("type") == "m.room.name");
    CHECK(event.text("sender") == kAlice);
    CHECK(event.body.at("content") == json::object{{"name", "N"}});
    CHECK(fixture.in(room, kAlice, "state/m.room.name?format=xml").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.in(room, kAlice, "state/m.room.topic").errcode() == "M_NOT_FOUND");
    CHECK(fixture.in(room, kBob, "state/m.room.name").errcode() == "M_FORBIDDEN");
    CHECK(fixture.in(room, kBob, "state").errcode() == "M_FORBIDDEN");
}
