#include "reading_fixture.hpp"
#include "weft/http/uri.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

const std::string kGuest = "@guest:test/guest";

constexpr auto kPublic = R"({"preset": "public_chat"})";

std::string room_with_visibility(std::string_view visibility) {
    return fmt::format(R"({{"preset": "public_chat", "initial_state": [{{"type": "m.room.history_visibility",
                           "content": {{"history_visibility": "{}"}}}}]}})",
                       visibility);
}

std::string naming(const std::string& user_id) {
    return proto::to_json(json::object{{"user_id", user_id}});
}

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

TEST_CASE("events tell what the reader was to the room when they came", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice, R"({"preset": "private_chat"})");
    fixture.say(room, kAlice, "stranger");
    fixture.act(room, kAlice, "invite", naming(kBob));
    fixture.say(room, kAlice, "invited");
    fixture.act(room, kBob, "join");
    fixture.say(room, kAlice, "joined");
    fixture.act(room, kBob, "leave");
    fixture.act(room, kAlice, "invite", naming(kBob));
    fixture.act(room, kBob, "join");
    const auto last = fixture.say(room, kAlice, "joined again");

    const auto page = fixture.in(room, kBob, "messages?dir=f&limit=100");
    std::vector<std::string> seen;
    for (const auto& event : page.body.at("chunk").as_array()) {
        const auto& object = event.as_object();
        const bool of_bob = proto::get_string(object, "state_key") == kBob;
        if (!of_bob && object.at("type") != "m.room.message") continue;
        const std::string membership{proto::get_string(object.at("unsigned").as_object(), "membership").value_or("")};
        const std::string what = of_bob ? "bob" : std::string{object.at("content").at("body").as_string()};
        seen.push_back(what + ": " + membership);
    }
    CHECK(seen == Texts{"stranger: leave", "bob: invite", "invited: invite", "bob: join", "joined: join", "bob: leave", "bob: invite",
                        "bob: join", "joined again: join"});
    const auto of_alice = fixture.in(room, kAlice, "event/" + http::percent_encode(last));
    CHECK(of_alice.body.at("unsigned").at("membership") == "join");
}

TEST_CASE("messages refuse what they cannot read", "[reading]") {
    ReadingFixture fixture;
    const auto room = fixture.create_room(kAlice);

    for (const auto* const query :
         {"dir=b&from=x", "dir=b&from=s", "dir=b&to=t1", "dir=x", "dir=b&limit=-1", "dir=b&limit=ten",
          "dir=b&filter=%7B", "dir=b&filter=%7B%22types%22%3A1%7D"}) {
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
        return fixture.in(room, kAlice,
                          "messages?dir=b&limit=50&filter=" + http::percent_encode(proto::to_json(filter)));
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
    CHECK(bodies(fixture.in(room, kBob,
                            "messages?dir=f&limit=1&filter=" +
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
        events.push_back(std::make_shared<const storage::StoredEvent>(
            storage::StoredEvent{sent->with_metadata(changed), nullptr}));
    }

    CHECK(fixture.storage.run(fixture.event_visibility.visible(kAlice, std::move(events))).empty());
}
