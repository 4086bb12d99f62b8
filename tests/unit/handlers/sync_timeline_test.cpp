#include "sync/room_timeline.hpp"

#include <catch2/catch.hpp>

#include "sync/sync_room.hpp"
#include "weft/proto/json.hpp"

using namespace weft;
using namespace weft::handlers;
namespace json = boost::json;

namespace {

struct Draft {
    std::string id;
    std::vector<std::string> prev;
    std::optional<std::string> topic = std::nullopt;     // a state event
    std::optional<std::string> replaces = std::nullopt;
};

storage::StoredEventPtr event(const Draft& draft) {
    json::object pdu{{"type", draft.topic ? "m.room.topic" : "m.room.message"},
                     {"sender", "@a:test"},
                     {"room_id", "!r:test"},
                     {"content", {{"topic", draft.topic.value_or("")}}},
                     {"prev_events", json::value_from(draft.prev)},
                     {"auth_events", json::array{}},
                     {"depth", 1},
                     {"origin_server_ts", 1}};
    if (draft.topic) pdu["state_key"] = "";
    if (draft.replaces) pdu["unsigned"] = {{"replaces_state", *draft.replaces}};
    auto made = proto::Event::from_database(proto::EventId::trusted(draft.id), proto::to_json(pdu), "{}", proto::RoomVersion::get("11")).value();
    return std::make_shared<storage::StoredEvent>(storage::StoredEvent{std::move(made), nullptr});
}

std::optional<StateChanges> undo(const std::vector<Draft>& window) {
    RoomTimeline timeline;
    for (const auto& draft : window) timeline.window.push_back(event(draft));
    return undo_window(timeline);
}

std::optional<proto::EventId> topic_in(const StateChanges& changes) { return changes.at(proto::StateKey{"m.room.topic", ""}); }

}  // namespace

TEST_CASE("an empty window undoes nothing", "[sync_timeline]") { CHECK(undo({})->empty()); }

TEST_CASE("messages undo nothing", "[sync_timeline]") { CHECK(undo({{"$2", {"$1"}}, {"$3", {"$2"}}})->empty()); }

TEST_CASE("of several changes the oldest says what was before", "[sync_timeline]") {
    const auto changes = undo({{"$2", {"$1"}, "one", "$0"}, {"$3", {"$2"}}, {"$4", {"$3"}, "two", "$2"}});

    REQUIRE(changes);
    CHECK(topic_in(*changes)->str() == "$0");
}

TEST_CASE("state that replaced nothing was not there before", "[sync_timeline]") {
    const auto changes = undo({{"$2", {"$1"}, "one"}, {"$3", {"$2"}, "two", "$2"}});

    REQUIRE(changes);
    CHECK_FALSE(topic_in(*changes));
}

TEST_CASE("a room's first event is the end of its chain", "[sync_timeline]") {
    const auto changes = undo({{"$1", {}, "made"}, {"$2", {"$1"}}});

    REQUIRE(changes);
    CHECK_FALSE(topic_in(*changes));
}

TEST_CASE("a window that is not one chain cannot be undone event by event", "[sync_timeline]") {
    CHECK_FALSE(undo({{"$2", {"$1"}, "one"}, {"$3", {"$1"}, "two"}}));
    CHECK_FALSE(undo({{"$2", {"$1"}}, {"$3", {"$2", "$x"}}}));
    CHECK_FALSE(undo({{"$3", {"$1", "$2"}}}));
}

TEST_CASE("heroes are the first five others who are there, else those who were", "[sync_timeline]") {
    storage::RoomState state;
    const auto add = [&](const std::string& user, const std::string& membership) {
        state.set({"m.room.member", user}, proto::EventId::trusted("$" + user), membership);
    };
    add("@me:test", "join");
    add("@gone:test", "leave");
    add("@banned:test", "ban");
    add("@knocking:test", "knock");
    CHECK(room_heroes(state, "@me:test") == std::vector<std::string>{"@banned:test", "@gone:test"});

    for (const auto* user : {"@f:test", "@e:test", "@d:test", "@c:test", "@b:test"}) add(user, "join");
    add("@a:test", "invite");
    CHECK(room_heroes(state, "@me:test") == std::vector<std::string>{"@a:test", "@b:test", "@c:test", "@d:test", "@e:test"});
    CHECK(room_summary(state, "@me:test", true) == json::object{{"m.joined_member_count", 6}, {"m.invited_member_count", 1}});
    CHECK(room_summary(state, "@me:test", false).at("m.heroes").as_array().size() == 5);
}
