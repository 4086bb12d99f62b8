#include <algorithm>

#include <catch2/catch.hpp>

#include "rooms_fixture.hpp"
#include "weft/handlers/reading/event_reader.hpp"
#include "weft/handlers/reading/message_pages.hpp"
#include "weft/handlers/reading/room_state_reader.hpp"
#include "weft/http/uri.hpp"
#include "weft/rest/client/event_reading.hpp"
#include "weft/rest/client/members.hpp"
#include "weft/rest/client/messages.hpp"
#include "weft/rest/client/state_reading.hpp"

using namespace weft;
using test::Answer;
namespace json = boost::json;

namespace {

const std::string kAlice = "@alice:test";
const std::string kBob = "@bob:test";
const std::string kCarol = "@carol:test";
const std::string kGuest = "@guest:test/guest";

constexpr auto kPublic = R"({"preset": "public_chat"})";

std::string room_with_visibility(std::string_view visibility) {
    return fmt::format(R"({{"preset": "public_chat", "initial_state": [{{"type": "m.room.history_visibility",
                           "content": {{"history_visibility": "{}"}}}}]}})",
                       visibility);
}

std::string naming(const std::string& user_id) { return proto::to_json(json::object{{"user_id", user_id}}); }

struct ReadingFixture : test::RoomsFixture {
    ReadingFixture() {
        messages_endpoints.register_on(router);
        event_endpoints.register_on(router);
        state_reading_endpoints.register_on(router);
        members_endpoints.register_on(router);
    }

    Answer in(const std::string& room, const std::string& token, std::string_view tail) {
        return get(token, fmt::format("/rooms/{}/{}", room, tail));
    }
    std::string say(const std::string& room, const std::string& token, const std::string& text) {
        const auto sent = put(token, fmt::format("/rooms/{}/send/m.room.message/{}", room, ++txn),
                              proto::to_json(json::object{{"msgtype", "m.text"}, {"body", text}}));
        REQUIRE(sent.status == 200);
        return sent.text("event_id");
    }
    void set_state(const std::string& room, const std::string& token, std::string_view type, json::object content) {
        REQUIRE(put(token, fmt::format("/rooms/{}/state/{}", room, type), proto::to_json(content)).status == 200);
    }
    void act(const std::string& room, const std::string& token, std::string_view action, std::string body = "{}") {
        REQUIRE(post(token, fmt::format("/rooms/{}/{}", room, action), std::move(body)).status == 200);
    }
    /// Response of an endpoint that answers with a list.
    json::array list(const std::string& room, const std::string& token, std::string_view tail) {
        http::Request request;
        request.path = request.target = fmt::format("/_matrix/client/v3/rooms/{}/{}", room, tail);
        request.headers.set("Authorization", "Bearer " + token);
        const auto response = storage.run(router.handle(std::move(request)));
        REQUIRE(response.status == 200);
        return proto::parse_json(response.body).value().as_array();
    }

    int txn = 0;
    handlers::RoomAccess access{events, states};
    handlers::Visibility event_visibility{events, states};
    handlers::MessagePages pages{events, states, access, event_visibility, events_stream};
    handlers::EventReader event_reader{events, states, event_visibility};
    handlers::RoomStateReader state_reader{events, states, access, event_visibility};
    rest::MessagesEndpoints messages_endpoints{pages, storage.clock};
    rest::EventReadingEndpoints event_endpoints{event_reader, storage.clock};
    rest::StateReadingEndpoints state_reading_endpoints{state_reader, storage.clock};
    rest::MembersEndpoints members_endpoints{state_reader, storage.clock};
};

/// What the message events of a list say.
std::vector<std::string> bodies(const json::array& events) {
    std::vector<std::string> out;
    for (const auto& event : events) {
        if (const auto body = proto::get_string(event.at("content").as_object(), "body")) out.emplace_back(*body);
    }
    return out;
}

std::vector<std::string> bodies(const Answer& answer, std::string_view list = "chunk") {
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return bodies(answer.body.at(list).as_array());
}

/// `type/state_key` of all events of a list, sorted.
std::vector<std::string> keys(const json::array& events) {
    std::vector<std::string> out;
    for (const auto& event : events) {
        const auto& object = event.as_object();
        out.push_back(std::string{*proto::get_string(object, "type")} + "/" +
                      std::string{proto::get_string(object, "state_key").value_or("")});
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> keys(const Answer& answer, std::string_view list) {
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return keys(answer.body.at(list).as_array());
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("messages go through a room's history in pages, in both directions", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice);
    for (const auto* const text : {"1", "2", "3", "4", "5"}) fixture.say(room, kAlice, text);

    const auto newest = fixture.in(room, kAlice, "messages?dir=b&limit=2");
    CHECK(bodies(newest) == Texts{"5", "4"});
    const auto older = fixture.in(room, kAlice, "messages?dir=b&limit=3&from=" + newest.text("end"));
    CHECK(bodies(older).front() == "3");
    CHECK(older.text("start") == newest.text("end"));

    const auto forth = fixture.in(room, kAlice, "messages?dir=f&limit=2&from=" + older.text("end"));
    CHECK(forth.body.at("chunk").as_array().size() == 2);
    const auto rest = fixture.in(room, kAlice, "messages?dir=f&limit=50&from=" + newest.text("end"));
    CHECK(bodies(rest) == Texts{"4", "5"});
    CHECK(rest.text("end").empty());

    const auto all = fixture.in(room, kAlice, "messages?dir=b&limit=100");
    CHECK(all.text("end").empty());
    CHECK(all.body.at("chunk").as_array().back().at("type").as_string() == "m.room.create");
    CHECK(all.body.at("chunk").as_array().back().at("room_id").as_string() == room);
    const auto from_first = fixture.in(room, kAlice, "messages?dir=f&limit=1");
    CHECK(from_first.body.at("chunk").at(0).at("type").as_string() == "m.room.create");
}

TEST_CASE("messages stop at the token given in to, and take the tokens of sync", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice);
    fixture.say(room, kAlice, "1");
    const auto then = fixture.events_stream.current();
    fixture.say(room, kAlice, "2");
    fixture.say(room, kAlice, "3");

    const auto sync_token = fmt::format("s{}_1_2_3_4_5_6_7_8", then);
    const auto since = fixture.in(room, kAlice, "messages?dir=b&limit=50&to=" + sync_token);
    CHECK(bodies(since) == Texts{"3", "2"});
    CHECK(since.text("end").empty());
    CHECK(bodies(fixture.in(room, kAlice, "messages?dir=b&limit=1&from=" + sync_token)) == Texts{"1"});
    CHECK(bodies(fixture.in(room, kAlice, "messages?dir=f&from=" + sync_token)) == Texts{"2", "3"});
}

TEST_CASE("messages refuse what they cannot read", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice);

    for (const auto* const query : {"dir=b&from=x", "dir=b&from=s", "dir=b&to=t1", "dir=x", "dir=b&limit=-1",
                                    "dir=b&limit=ten", "dir=b&filter=%7B", "dir=b&filter=%7B%22types%22%3A1%7D"}) {
        CAPTURE(query);
        const auto answer = fixture.in(room, kAlice, fmt::format("messages?{}", query));
        CHECK(answer.status == 400);
        CHECK(answer.errcode() == "M_INVALID_PARAM");
    }
    CHECK(fixture.in(room, kAlice, "messages").errcode() == "M_MISSING_PARAM");
    CHECK(fixture.in(room, kBob, "messages?dir=b").errcode() == "M_FORBIDDEN");
    CHECK(fixture.in("!nowhere:test", kBob, "messages?dir=b").errcode() == "M_FORBIDDEN");
    CHECK(fixture.get("", "/rooms/" + room + "/messages?dir=b").errcode() == "M_MISSING_TOKEN");
}

TEST_CASE("messages obey their filter and bring the members of their senders", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    for (const auto& user : {kBob, kCarol}) fixture.act(room, user, "join");
    fixture.say(room, kAlice, "a");
    fixture.say(room, kBob, "b");

    const auto with = [&](const json::object& filter) {
        return fixture.in(room, kAlice, "messages?dir=b&limit=50&filter=" + http::percent_encode(proto::to_json(filter)));
    };
    CHECK(bodies(with({{"types", {"m.room.message"}}, {"senders", {kBob}}})) == Texts{"b"});
    CHECK(with({{"not_rooms", {room}}}).body.at("chunk").as_array().empty());
    CHECK(with({{"types", json::array{}}}).body.at("chunk").as_array().empty());
    CHECK_FALSE(with({}).body.contains("state"));
    const auto lazy = with({{"types", {"m.room.message"}}, {"lazy_load_members", true}});
    CHECK(keys(lazy, "state") == Texts{"m.room.member/@alice:test", "m.room.member/@bob:test"});
    const auto few = fixture.in(room, kAlice, "messages?dir=b&filter=%7B%22limit%22%3A1%7D");
    CHECK(few.body.at("chunk").as_array().size() == 1);
}

TEST_CASE("shared history is all there for a new member, and for nobody else", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    const auto before = fixture.say(room, kAlice, "before");
    CHECK(fixture.in(room, kBob, "event/" + before).errcode() == "M_NOT_FOUND");
    fixture.act(room, kAlice, "invite", naming(kBob));
    CHECK(fixture.in(room, kBob, "messages?dir=b").errcode() == "M_FORBIDDEN");
    CHECK(fixture.in(room, kBob, "event/" + before).errcode() == "M_NOT_FOUND");
    fixture.act(room, kBob, "join");

    CHECK(bodies(fixture.in(room, kBob, "messages?dir=b&limit=50")) == Texts{"before"});
    CHECK(fixture.in(room, kBob, "event/" + before).status == 200);
}

TEST_CASE("history for the invited begins with the invite", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, room_with_visibility("invited"));
    fixture.say(room, kAlice, "before");
    fixture.act(room, kAlice, "invite", naming(kBob));
    fixture.say(room, kAlice, "invited");
    CHECK(fixture.in(room, kBob, "messages?dir=b").errcode() == "M_FORBIDDEN");
    fixture.act(room, kBob, "join");
    fixture.say(room, kAlice, "joined");

    const auto page = fixture.in(room, kBob, "messages?dir=b&limit=50");
    CHECK(bodies(page) == Texts{"joined", "invited"});
    // Both of the member's own events are there, and what was shared before the visibility was set.
    const auto seen = keys(page, "chunk");
    CHECK(std::count(seen.begin(), seen.end(), "m.room.member/@bob:test") == 2);
}

TEST_CASE("history for the joined begins with the join", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, room_with_visibility("joined"));
    fixture.say(room, kAlice, "before");
    fixture.act(room, kAlice, "invite", naming(kBob));
    fixture.say(room, kAlice, "invited");
    fixture.act(room, kBob, "join");
    fixture.say(room, kAlice, "joined");

    CHECK(bodies(fixture.in(room, kBob, "messages?dir=b&limit=50")) == Texts{"joined"});
    // Pages that are hidden from the user are passed over.
    CHECK(bodies(fixture.in(room, kBob, "messages?dir=f&limit=1&filter=" +
                                            http::percent_encode(R"({"types":["m.room.message"]})"))) == Texts{"joined"});
}

TEST_CASE("a change of the visibility does not reach back", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    fixture.say(room, kAlice, "shared");
    fixture.set_state(room, kAlice, "m.room.history_visibility", {{"history_visibility", "joined"}});
    fixture.say(room, kAlice, "hidden");
    fixture.set_state(room, kAlice, "m.room.history_visibility", {{"history_visibility", "shared"}});
    fixture.say(room, kAlice, "shared again");
    fixture.act(room, kBob, "join");

    const auto page = fixture.in(room, kBob, "messages?dir=b&limit=50");
    CHECK(bodies(page) == Texts{"shared again", "shared"});
    // Each of the three events that set it is open on one side at least.
    const auto seen = keys(page, "chunk");
    CHECK(std::count(seen.begin(), seen.end(), "m.room.history_visibility/") == 3);
}

TEST_CASE("a world readable room is open to guests and strangers", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    fixture.say(room, kAlice, "private");
    fixture.set_state(room, kAlice, "m.room.history_visibility", {{"history_visibility", "world_readable"}});
    const auto open = fixture.say(room, kAlice, "open");

    CHECK(bodies(fixture.in(room, kBob, "messages?dir=b&limit=50")) == Texts{"open"});
    CHECK(bodies(fixture.in(room, kGuest, "messages?dir=b&limit=50")) == Texts{"open"});
    CHECK(fixture.in(room, kGuest, "event/" + open).status == 200);
    CHECK(fixture.in(room, kGuest, "state/m.room.create").status == 200);
    CHECK(fixture.in(room, kGuest, "members").status == 200);
    CHECK(fixture.in(room, kGuest, "joined_members").errcode() == "M_FORBIDDEN");

    fixture.set_state(room, kAlice, "m.room.history_visibility", {{"history_visibility", "shared"}});
    CHECK(fixture.in(room, kBob, "messages?dir=b").errcode() == "M_FORBIDDEN");
    CHECK(fixture.in(room, kBob, "event/" + open).status == 200);  // it was open when it was sent
}

TEST_CASE("who has left sees the room as it was when they left", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    fixture.set_state(room, kAlice, "m.room.topic", {{"topic", "old"}});
    fixture.act(room, kBob, "join");
    fixture.say(room, kAlice, "with bob");
    fixture.act(room, kBob, "leave");
    const auto after = fixture.say(room, kAlice, "without bob");
    fixture.set_state(room, kAlice, "m.room.topic", {{"topic", "new"}});
    fixture.act(room, kCarol, "join");

    const auto check_is_as_left = [&] {
        const auto page = fixture.in(room, kBob, "messages?dir=b&limit=1");
        CHECK(keys(page, "chunk") == Texts{"m.room.member/@bob:test"});
        CHECK(bodies(fixture.in(room, kBob, "messages?dir=b&limit=50")) == Texts{"with bob"});
        const auto forth = fixture.in(room, kBob, "messages?dir=f&limit=50");
        CHECK(bodies(forth) == Texts{"with bob"});
        CHECK(forth.text("end").empty());
        CHECK(fixture.in(room, kBob, "event/" + after).errcode() == "M_NOT_FOUND");
        CHECK(fixture.in(room, kBob, "state/m.room.topic").text("topic") == "old");
        CHECK(keys(fixture.in(room, kBob, "members"), "chunk") ==
              Texts{"m.room.member/@alice:test", "m.room.member/@bob:test"});
        const auto now = fmt::format("s{}", fixture.events_stream.current());
        CHECK(keys(fixture.in(room, kBob, "members?at=" + now), "chunk").size() == 2);
    };
    check_is_as_left();
    CHECK(fixture.in(room, kBob, "joined_members").errcode() == "M_FORBIDDEN");
    const auto state = keys(fixture.list(room, kBob, "state"));
    CHECK(std::count(state.begin(), state.end(), "m.room.member/@carol:test") == 0);

    // An invite and its rejection make no new stay.
    fixture.act(room, kAlice, "invite", naming(kBob));
    CHECK(fixture.in(room, kBob, "state/m.room.topic").text("topic") == "old");
    fixture.act(room, kBob, "leave");
    CHECK(fixture.in(room, kBob, "event/" + after).errcode() == "M_NOT_FOUND");
    CHECK(fixture.in(room, kBob, "state/m.room.topic").text("topic") == "old");

    fixture.act(room, kBob, "forget");
    CHECK(fixture.in(room, kBob, "messages?dir=b").errcode() == "M_FORBIDDEN");
    CHECK(fixture.in(room, kBob, "state").errcode() == "M_FORBIDDEN");
}

TEST_CASE("who only declined an invite was never a member", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice);
    fixture.act(room, kAlice, "invite", naming(kBob));
    fixture.act(room, kBob, "leave");

    CHECK(fixture.in(room, kBob, "state").errcode() == "M_FORBIDDEN");
    CHECK(fixture.in(room, kBob, "members").errcode() == "M_FORBIDDEN");
    CHECK(fixture.in(room, kBob, "messages?dir=b").errcode() == "M_FORBIDDEN");
}

TEST_CASE("visibility is decided without a query where a member's room was always shared", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    const auto message = proto::EventId::trusted(fixture.say(room, kAlice, "x"));
    fixture.act(room, kBob, "join");
    const auto visible = [&] {
        std::vector<proto::EventId> ids;
        ids.push_back(message);
        auto stored = fixture.storage.run(fixture.events.get_stored(std::move(ids)));
        return fixture.storage.run(fixture.event_visibility.visible(kBob, std::move(stored))).size();
    };
    CHECK(visible() == 1);

    // Without the tables of state groups only the short way is left.
    fixture.storage.sql("ALTER TABLE event_to_state_groups RENAME TO elsewhere");
    CHECK(visible() == 1);
    fixture.storage.sql("ALTER TABLE elsewhere RENAME TO event_to_state_groups");
}

TEST_CASE("events that were not accepted are visible to nobody", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice);
    const auto sent = fixture.event(fixture.say(room, kAlice, "x"));
    auto metadata = sent->metadata();
    metadata.soft_failed = true;
    auto rejected = sent->metadata();
    rejected.rejected_reason = "auth";
    std::vector<storage::StoredEventPtr> events;
    for (auto& changed : {metadata, rejected}) {
        events.push_back(
            std::make_shared<const storage::StoredEvent>(storage::StoredEvent{sent->with_metadata(changed), nullptr}));
    }

    CHECK(fixture.storage.run(fixture.event_visibility.visible(kAlice, std::move(events))).empty());
}

TEST_CASE("an event is found in its own room only, with the transaction ID for its device", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, kPublic);
    const auto other = fixture.create_room(kAlice);
    fixture.act(room, kBob, "join");
    const auto event_id = fixture.say(room, kAlice, "x");

    const auto mine = fixture.in(room, kAlice, "event/" + event_id);
    CHECK(mine.text("room_id") == room);
    CHECK(mine.text("event_id") == event_id);
    CHECK(proto::get_string(mine.body.at("unsigned").as_object(), "transaction_id") == std::to_string(fixture.txn));
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
    CHECK(bodies(fixture.in(room, kAlice, "messages?dir=b&limit=1&from=" + alone.text("start"))) == Texts{"2"});
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
        return fixture.in(room, kAlice, fmt::format("context/{}?limit=2&filter={}", event_id,
                                                    http::percent_encode(proto::to_json(filter))));
    };
    const auto lazy = keys(with({{"lazy_load_members", true}, {"not_types", {"m.room.power_levels"}}}), "state");
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
    const auto room = fixture.create_room(kAlice, room_with_visibility("joined"));
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
    CHECK(answer.body == json::object{{"joined", {{kAlice, json::object{}}, {kBob, {{"display_name", "Bob"}}}}}});
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
