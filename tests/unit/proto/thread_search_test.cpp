#include "weft/proto/thread_search.hpp"

#include <catch2/catch.hpp>

#include "weft/proto/json.hpp"

using namespace weft;
using namespace weft::proto;

namespace {

EventPtr related(const std::string& id, const std::string& rel_type, const std::string& to,
                 const std::string& room = "!room:test") {
    const auto pdu = to_json(
        boost::json::object{{"type", "m.room.message"},
                            {"sender", "@alice:test"},
                            {"room_id", room},
                            {"content", {{"m.relates_to", {{"rel_type", rel_type}, {"event_id", to}}}}}});
    return Event::from_database(EventId::trusted(id), pdu, "{}", RoomVersion::get("10"), std::nullopt)
        .value();
}

}  // namespace

TEST_CASE("an m.thread relation names the thread at once", "[threads]") {
    const ThreadSearch search{*related("$answer", "m.thread", "$root")};
    CHECK(search.wanted() == nullptr);
    CHECK(search.thread() == "$root");
    CHECK(search.may_be_read_in("$root"));
    CHECK_FALSE(search.may_be_read_in("main"));
}

TEST_CASE("other relations are followed for three steps", "[threads]") {
    ThreadSearch search{*related("$1", "m.annotation", "$2")};
    for (const auto* const next : {"$2", "$3", "$4"}) {
        REQUIRE(search.wanted());
        CHECK(search.wanted()->str() == next);
        CHECK_FALSE(search.thread());
        search.found(related(next, "m.reference", "$" + std::to_string(next[1] - '0' + 1)).get());
    }
    CHECK(search.wanted() == nullptr);
    CHECK_FALSE(search.thread());
    CHECK(search.may_be_read_in("main"));

    ThreadSearch shorter{*related("$1", "m.replace", "$2")};
    shorter.found(related("$2", "m.thread", "$root").get());
    CHECK(shorter.wanted() == nullptr);
    CHECK(shorter.thread() == "$root");
}

TEST_CASE("a search for a thread ends at what is unknown, and at what is of another room", "[threads]") {
    ThreadSearch unknown{*related("$1", "m.annotation", "$2")};
    unknown.found(nullptr);
    CHECK(unknown.wanted() == nullptr);
    CHECK_FALSE(unknown.thread());

    ThreadSearch elsewhere{*related("$1", "m.annotation", "$2")};
    elsewhere.found(related("$2", "m.thread", "$root", "!other:test").get());
    CHECK(elsewhere.wanted() == nullptr);
    CHECK_FALSE(elsewhere.thread());
}

TEST_CASE("events that relate to each other in a circle are in no thread", "[threads]") {
    ThreadSearch search{*related("$1", "m.reference", "$1")};
    int steps = 0;
    while (search.wanted()) {
        search.found(related("$1", "m.reference", "$1").get());
        ++steps;
    }
    CHECK(steps == 3);
    CHECK_FALSE(search.thread());
}
