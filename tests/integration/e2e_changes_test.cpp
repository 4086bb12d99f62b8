// GET /keys/changes: whose devices a client has to look at that was away.
#include "e2e_fixture.hpp"

using namespace weft;
using namespace weft::test;

namespace {

struct Away : E2eFixture {
    /// changed and left since the token, as Alice gets them.
    std::pair<std::string, std::string> changes(const std::string& from) {
        const auto answer = get("alice", fmt::format("/keys/changes?from={}&to={}", from, from));
        REQUIRE(answer.status == 200);
        return {json_at(answer.body, {"changed"}), json_at(answer.body, {"left"})};
    }
};
using Both = std::pair<std::string, std::string>;

}  // namespace

TEST_CASE_METHOD(Away, "changed devices of people one shares a room with are named, one's own too", "[e2e]") {
    const auto room_id = create_room("alice");
    join("bob", room_id);
    SyncClient alice{*this, "alice"};
    alice.sync();
    CHECK(changes(alice.since) == Both{"[]", "[]"});

    publish("bob", "PHONE");
    publish("carol", "PHONE");
    publish("alice", "PHONE");

    CHECK(changes(alice.since) == Both{R"(["@alice:test","@bob:test"])", "[]"});
}

TEST_CASE_METHOD(Away, "people one has met or parted from are named", "[e2e]") {
    const auto first = create_room("alice");
    const auto second = create_room("carol");
    join("bob", first);
    join("dave", second);
    SyncClient alice{*this, "alice"};
    alice.sync();

    join("alice", second);
    CHECK(changes(alice.since) == Both{R"(["@carol:test","@dave:test"])", "[]"});
    alice.sync();
    join("erin", first);
    change("bob", first, "leave");
    CHECK(changes(alice.since) == Both{R"(["@erin:test"])", R"(["@bob:test"])"});
    alice.sync();
    change("alice", second, "leave");
    CHECK(changes(alice.since) == Both{"[]", R"(["@carol:test","@dave:test"])"});
}

TEST_CASE_METHOD(Away, "both tokens are wanted", "[e2e]") {
    CHECK(get("alice", "/keys/changes?to=s1").errcode() == "M_MISSING_PARAM");
    CHECK(get("alice", "/keys/changes?from=s1").errcode() == "M_MISSING_PARAM");
    CHECK(get("alice", "/keys/changes?from=x&to=s1").errcode() == "M_INVALID_PARAM");
}
