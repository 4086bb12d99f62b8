#include <catch2/catch.hpp>

#include "weft/handlers/reading/visibility_rules.hpp"

using namespace weft;
using handlers::history_visibility;
using handlers::HistoryVisibility;
using handlers::may_see;
using handlers::RoomStanding;
using handlers::StateAtEvent;

namespace {

constexpr std::int64_t kEvent = 100;  // where the events of these tests stand

RoomStanding member() {
    RoomStanding standing;
    standing.joined = true;
    return standing;
}

RoomStanding left_at(std::int64_t stream_ordering) {
    RoomStanding standing;
    standing.former.emplace(proto::EventId::trusted("$left"), stream_ordering);
    return standing;
}

bool sees(HistoryVisibility visibility, std::string_view membership, const RoomStanding& standing) {
    return may_see(StateAtEvent{visibility, membership}, kEvent, standing);
}

}  // namespace

TEST_CASE("history visibility that is not understood counts as shared") {
    CHECK(history_visibility("world_readable") == HistoryVisibility::kWorldReadable);
    CHECK(history_visibility("shared") == HistoryVisibility::kShared);
    CHECK(history_visibility("invited") == HistoryVisibility::kInvited);
    CHECK(history_visibility("joined") == HistoryVisibility::kJoined);
    CHECK(history_visibility("friends") == HistoryVisibility::kShared);
    CHECK(handlers::history_visibility_in({}) == HistoryVisibility::kShared);
    CHECK(handlers::history_visibility_in({{"history_visibility", 5}}) == HistoryVisibility::kShared);
    CHECK(handlers::history_visibility_in({{"history_visibility", "joined"}}) == HistoryVisibility::kJoined);
}

TEST_CASE("world readable events are for everybody") {
    for (const auto* const membership : {"join", "invite", "leave", "ban"}) {
        CHECK(sees(HistoryVisibility::kWorldReadable, membership, {}));
        CHECK(sees(HistoryVisibility::kWorldReadable, membership, left_at(kEvent - 1)));
    }
}

TEST_CASE("whoever was joined at an event sees it, whatever the visibility") {
    for (const auto visibility :
         {HistoryVisibility::kShared, HistoryVisibility::kInvited, HistoryVisibility::kJoined}) {
        CHECK(sees(visibility, "join", member()));
        CHECK(sees(visibility, "join", left_at(kEvent + 1)));
    }
}

TEST_CASE("shared events are for all who joined later") {
    for (const auto* const membership : {"invite", "leave", "ban", "knock"}) {
        CHECK(sees(HistoryVisibility::kShared, membership, member()));
        CHECK(sees(HistoryVisibility::kShared, membership, left_at(kEvent + 10)));
    }
}

TEST_CASE("events for the invited are hidden from those who were not invited yet") {
    CHECK(sees(HistoryVisibility::kInvited, "invite", member()));
    CHECK_FALSE(sees(HistoryVisibility::kInvited, "leave", member()));
    CHECK_FALSE(sees(HistoryVisibility::kInvited, "knock", member()));
    CHECK_FALSE(sees(HistoryVisibility::kInvited, "ban", member()));
}

TEST_CASE("events for the joined are hidden from those who were only invited") {
    CHECK_FALSE(sees(HistoryVisibility::kJoined, "invite", member()));
    CHECK_FALSE(sees(HistoryVisibility::kJoined, "leave", member()));
}

TEST_CASE("former members see nothing after they left") {
    for (const auto visibility :
         {HistoryVisibility::kShared, HistoryVisibility::kInvited, HistoryVisibility::kJoined}) {
        CHECK_FALSE(sees(visibility, "leave", left_at(kEvent - 1)));
        // A fork of the graph, received later, may still have them as joined.
        CHECK_FALSE(sees(visibility, "join", left_at(kEvent - 1)));
        CHECK_FALSE(sees(visibility, "invite", left_at(kEvent - 1)));
    }
}

TEST_CASE("who was never in a room sees none of its events, invited or not") {
    for (const auto visibility :
         {HistoryVisibility::kShared, HistoryVisibility::kInvited, HistoryVisibility::kJoined}) {
        CHECK_FALSE(sees(visibility, "leave", {}));
        CHECK_FALSE(sees(visibility, "invite", {}));
    }
}
