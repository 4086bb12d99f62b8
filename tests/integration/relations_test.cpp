// Relations between events: pages of them, what is summed up with an event, threads.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

int transaction = 0;

std::string send(HomeserverFixture& fixture, const std::string& token, const std::string& room,
                 const std::string& type, const json::object& content) {
    const auto answer = fixture.put(token, fmt::format("/rooms/{}/send/{}/rel{}", room, type, ++transaction),
                                    proto::to_json(content));
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return answer.text("event_id");
}

json::object related(const std::string& rel_type, const std::string& event_id, const std::string& body) {
    return {{"msgtype", "m.text"},
            {"body", body},
            {"m.relates_to", {{"rel_type", rel_type}, {"event_id", event_id}}}};
}

std::string edit(HomeserverFixture& fixture, const std::string& token, const std::string& room,
                 const std::string& event_id, const std::string& body) {
    auto content = related("m.replace", event_id, "* " + body);
    content["m.new_content"] = {{"msgtype", "m.text"}, {"body", body}};
    return send(fixture, token, room, "m.room.message", content);
}

std::string in_thread(HomeserverFixture& fixture, const std::string& token, const std::string& room,
                      const std::string& root, const std::string& body) {
    return send(fixture, token, room, "m.room.message", related("m.thread", root, body));
}

std::string relations_path(const std::string& room, const std::string& rest) {
    return fmt::format("/_matrix/client/v1/rooms/{}/relations/{}", room, rest);
}

Strings chunk(const HomeserverFixture::Answer& answer) {
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    std::vector<json::object> list;
    for (const auto& event : answer.body.at("chunk").as_array()) list.push_back(event.as_object());
    return told(list);
}

/// `unsigned.m.relations` of an event as GET /event shows it, empty if there is none.
json::object bundle_of(const json::object& event) {
    const auto* const found = part(event, {"unsigned", "m.relations"});
    return found ? found->as_object() : json::object{};
}
json::object bundle(HomeserverFixture& fixture, const std::string& token, const std::string& room,
                    const std::string& event_id) {
    const auto answer = fixture.get(token, fmt::format("/rooms/{}/event/{}", room, event_id));
    REQUIRE(answer.status == 200);
    return bundle_of(answer.body);
}

std::string redact(HomeserverFixture& fixture, const std::string& token, const std::string& room,
                   const std::string& event_id) {
    const auto answer =
        fixture.put(token, fmt::format("/rooms/{}/redact/{}/rel{}", room, event_id, ++transaction));
    REQUIRE(answer.status == 200);
    return answer.text("event_id");
}

void ignore(HomeserverFixture& fixture, const std::string& token, const std::string& user_id) {
    REQUIRE(fixture
                .put(token, fmt::format("/user/@{}:test/account_data/m.ignored_user_list", token),
                     proto::to_json(json::object{{"ignored_users", {{user_id, json::object{}}}}}))
                .status == 200);
}

}  // namespace

TEST_CASE("relations of an event come in pages, by relation and event type", "[relations]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto root = fixture.say("alice", room, "root");
    for (const auto* text : {"1", "2", "3"}) in_thread(fixture, "alice", room, root, text);
    send(fixture, "alice", room, "m.reaction",
         {{"m.relates_to", {{"rel_type", "m.annotation"}, {"event_id", root}, {"key", "+"}}}});
    fixture.say("alice", room, "unrelated");

    CHECK(chunk(fixture.get("alice", relations_path(room, root))) == Strings{"m.reaction", "3", "2", "1"});
    CHECK(chunk(fixture.get("alice", relations_path(room, root + "/m.thread"))) == Strings{"3", "2", "1"});
    CHECK(chunk(fixture.get("alice", relations_path(room, root + "/m.thread?dir=f"))) ==
          Strings{"1", "2", "3"});
    CHECK(chunk(fixture.get("alice", relations_path(room, root + "/m.annotation/m.reaction"))) ==
          Strings{"m.reaction"});
    CHECK(chunk(fixture.get("alice", relations_path(room, root + "/m.annotation/m.other"))).empty());

    const auto first = fixture.get("alice", relations_path(room, root + "/m.thread?limit=2"));
    CHECK(chunk(first) == Strings{"3", "2"});
    const auto second = fixture.get(
        "alice", relations_path(room, root + "/m.thread?limit=2&from=" + first.text("next_batch")));
    CHECK(chunk(second) == Strings{"1"});
    CHECK(second.text("next_batch").empty());
    CHECK(second.text("prev_batch") == first.text("next_batch"));
    const auto until =
        fixture.get("alice", relations_path(room, root + "/m.thread?to=" + first.text("next_batch")));
    CHECK(chunk(until) == Strings{"3", "2"});
}

TEST_CASE("relations of relations are followed where the client asks for it", "[relations]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto root = fixture.say("alice", room, "root");
    const auto answer = in_thread(fixture, "alice", room, root, "answer");
    edit(fixture, "alice", room, answer, "better");

    const auto direct = fixture.get("alice", relations_path(room, root));
    CHECK(chunk(direct) == Strings{"answer"});
    CHECK_FALSE(direct.body.contains("recursion_depth"));
    const auto deep = fixture.get("alice", relations_path(room, root + "?recurse=true"));
    CHECK(chunk(deep) == Strings{"* better", "answer"});
    CHECK(deep.body.at("recursion_depth") == 3);
}

TEST_CASE("relations are for those who may see the event", "[relations]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto root = fixture.say("alice", room, "root");
    in_thread(fixture, "alice", room, root, "answer");

    CHECK(fixture.get("bob", relations_path(room, root)).errcode() == "M_NOT_FOUND");
    CHECK(fixture.get("alice", relations_path(room, "$nothing")).errcode() == "M_NOT_FOUND");
    CHECK(fixture.get("alice", relations_path(room, root + "?dir=x")).errcode() == "M_INVALID_PARAM");
    CHECK(fixture.get("alice", relations_path(room, root + "?from=x")).errcode() == "M_INVALID_PARAM");
    CHECK(fixture.get("alice", relations_path(room, root + "?limit=0")).errcode() == "M_INVALID_PARAM");
    CHECK(fixture.get("bob", fmt::format("/_matrix/client/v1/rooms/{}/threads", room)).errcode() ==
          "M_FORBIDDEN");
}

TEST_CASE("an event brings its newest valid edit in every way it is read", "[relations]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    fixture.join("bob", room);
    const auto event = fixture.say("alice", room, "mistake");
    CHECK(bundle(fixture, "bob", room, event).empty());
    edit(fixture, "alice", room, event, "first");
    const auto newest = edit(fixture, "alice", room, event, "second");
    edit(fixture, "bob", room, event, "somebody else's");
    send(fixture, "alice", room, "m.room.message", related("m.replace", event, "without new content"));

    const auto edit_in = [](const json::object& shown) {
        const auto* const id = part(shown, {"unsigned", "m.relations", "m.replace", "event_id"});
        return id ? std::string{id->as_string()} : "";
    };
    const auto in_list = [&](const json::array& list) {
        for (const auto& item : list) {
            if (text_at(item.as_object(), "event_id") == event) return edit_in(item.as_object());
        }
        return std::string{"not there"};
    };
    CHECK(edit_in(fixture.get("bob", fmt::format("/rooms/{}/event/{}", room, event)).body) == newest);
    const auto messages = fixture.get("bob", fmt::format("/rooms/{}/messages?dir=b&limit=20", room));
    CHECK(in_list(messages.body.at("chunk").as_array()) == newest);
    const auto context = fixture.get("bob", fmt::format("/rooms/{}/context/{}", room, event));
    CHECK(edit_in(context.body.at("event").as_object()) == newest);
    SyncClient client{fixture, "bob"};
    std::string synced;
    for (const auto& shown : events(client.sync(), {"rooms", "join", room, "timeline"})) {
        if (text_at(shown, "event_id") == event) synced = edit_in(shown);
    }
    CHECK(synced == newest);
    // The original is as it was sent.
    CHECK(
        text_at(
            fixture.get("bob", fmt::format("/rooms/{}/event/{}", room, event)).body.at("content").as_object(),
            "body") == "mistake");
}

TEST_CASE("a redacted edit makes way for the one before, a redacted event has none", "[relations]") {
    HomeserverFixture fixture;
    auto& worker = fixture.start_worker("reader");
    const auto room = fixture.create_room("alice");
    const auto event = fixture.say("alice", room, "mistake");
    const auto first = edit(fixture, "alice", room, event, "first");
    const auto second = edit(fixture, "alice", room, event, "second");
    const auto seen = [&] {
        const auto answer = fixture.run(fixture.request(worker, http::Method::kGet, "alice",
                                                        fmt::format("/rooms/{}/event/{}", room, event), ""));
        const auto* const id = part(answer.body, {"unsigned", "m.relations", "m.replace", "event_id"});
        return id ? std::string{id->as_string()} : "";
    };

    CHECK(eventually(fixture, [&] { return seen() == second; }));
    redact(fixture, "alice", room, second);
    CHECK(eventually(fixture, [&] { return seen() == first; }));
    redact(fixture, "alice", room, event);
    CHECK(eventually(fixture, [&] { return seen().empty(); }));
    CHECK(bundle(fixture, "alice", room, event).empty());
}

TEST_CASE("the root of a thread tells of its newest answer and of who has part in it", "[relations]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    for (const auto* user : {"bob", "carol"}) fixture.join(user, room);
    const auto root = fixture.say("alice", room, "root");
    in_thread(fixture, "bob", room, root, "1");
    const auto latest = in_thread(fixture, "bob", room, root, "2");
    const auto edited = edit(fixture, "bob", room, latest, "two");

    const auto of_carol = bundle(fixture, "carol", room, root).at("m.thread").as_object();
    CHECK(of_carol.at("count") == 2);
    CHECK(of_carol.at("current_user_participated") == false);
    const auto& shown = of_carol.at("latest_event").as_object();
    CHECK(text_at(shown, "event_id") == latest);
    CHECK(text_at(bundle_of(shown).at("m.replace").as_object(), "event_id") == edited);
    for (const auto* user : {"alice", "bob"}) {
        CHECK(bundle(fixture, user, room, root).at("m.thread").at("current_user_participated") == true);
    }

    in_thread(fixture, "carol", room, root, "3");
    CHECK(bundle(fixture, "carol", room, root).at("m.thread").at("count") == 3);
    ignore(fixture, "carol", "@bob:test");
    CHECK(bundle(fixture, "carol", room, root).at("m.thread").at("count") == 1);
}

TEST_CASE("a thread does not begin at an event that relates to another", "[relations]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto root = fixture.say("alice", room, "root");
    const auto answer = in_thread(fixture, "alice", room, root, "1");

    const auto refused = fixture.put("alice", fmt::format("/rooms/{}/send/m.room.message/nested", room),
                                     proto::to_json(related("m.thread", answer, "nested")));
    CHECK(refused.status == 400);
    CHECK(refused.errcode() == "M_UNKNOWN");
}

TEST_CASE("references are listed", "[relations]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto event = fixture.say("alice", room, "poll");
    const auto reference = send(fixture, "alice", room, "m.poll.response",
                                {{"m.relates_to", {{"rel_type", "m.reference"}, {"event_id", event}}}});

    const auto bundled = bundle(fixture, "alice", room, event);
    const auto& list = bundled.at("m.reference").at("chunk").as_array();
    REQUIRE(list.size() == 1);
    CHECK(text_at(list.front().as_object(), "event_id") == reference);
}

TEST_CASE("threads of a room are listed by their newest answer", "[relations]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    fixture.join("bob", room);
    const auto first = fixture.say("alice", room, "first");
    const auto second = fixture.say("alice", room, "second");
    const auto third = fixture.say("bob", room, "third");
    in_thread(fixture, "bob", room, first, "1");
    in_thread(fixture, "alice", room, second, "2");
    in_thread(fixture, "alice", room, third, "3");
    in_thread(fixture, "alice", room, first, "4");
    const auto threads = [&](const std::string& user, const std::string& query) {
        return fixture.get(user, fmt::format("/_matrix/client/v1/rooms/{}/threads{}", room, query));
    };

    CHECK(chunk(threads("alice", "")) == Strings{"first", "third", "second"});
    CHECK(chunk(threads("bob", "?include=participated")) == Strings{"first", "third"});
    const auto page = threads("alice", "?limit=2");
    CHECK(chunk(page) == Strings{"first", "third"});
    CHECK(page.body.at("chunk").at(0).at("unsigned").at("m.relations").at("m.thread").at("count") == 2);
    const auto rest = threads("alice", "?limit=2&from=" + page.text("next_batch"));
    CHECK(chunk(rest) == Strings{"second"});
    CHECK_FALSE(rest.body.contains("next_batch"));
    CHECK(threads("alice", "?include=none").errcode() == "M_INVALID_PARAM");
    CHECK(threads("alice", "?limit=0").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("a message without relations costs no query to know that", "[relations]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    SyncClient client{fixture, "alice"};
    client.sync();
    fixture.say("alice", room, "hello");

    const auto before = HomeserverFixture::transactions("event_relations_of");
    CHECK(client.timeline_of(room) == Strings{"hello"});
    CHECK(HomeserverFixture::transactions("event_relations_of") == before);
}
