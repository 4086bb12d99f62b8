#include <catch2/catch.hpp>

#include "weft/proto/replication/ascii_json.hpp"
#include "weft/proto/replication/rows.hpp"

using namespace weft::proto::replication;

namespace {

const PresenceRow kAlice{"@alice:one.example", "online", 5, 6, 7, "hi", true};
const FederationEdu kTyping{"m.typing", {{"typing", true}}, "one.example", "two.example"};

FederationRow read(std::string_view text) {
    const auto json = parse_row_json(text);
    REQUIRE(json.has_value());
    const auto row = FederationRow::parse(*json);
    REQUIRE(row.has_value());
    return *row;
}

}  // namespace

TEST_CASE("what goes to other servers has the form that Synapse gives it", "[replication][rows]") {
    const auto text = [](const FederationRow& row) { return to_ascii_json(row.to_json()); };

    CHECK(
        text(FederationPresence{kAlice}.to_row()) ==
        R"(["p", {"user_id": "@alice:one.example", "state": "online", "last_active_ts": 5, )"
        R"("last_federation_update_ts": 6, "last_user_sync_ts": 7, "status_msg": "hi", "currently_active": true}])");
    CHECK(text(FederationPresenceTo{kAlice, {"two.example"}}.to_row())
              .ends_with(R"(, "dests": ["two.example"]}])"));
    CHECK(text(kTyping.to_row()) ==
          R"(["e", {"edu_type": "m.typing", "content": {"typing": true}, "origin": "one.example", )"
          R"("destination": "two.example"}])");
    CHECK(text(FederationKeyedEdu{{"!r:one.example", "@alice:one.example"}, kTyping}.to_row()) ==
          R"(["k", {"key": ["!r:one.example", "@alice:one.example"], "edu": {"edu_type": "m.typing", )"
          R"("content": {"typing": true}, "origin": "one.example", "destination": "two.example"}}])");
}

TEST_CASE("every kind of federation row is read back as it was written", "[replication][rows]") {
    auto offline = kAlice;
    offline.status_msg = std::nullopt;
    const std::vector<FederationItem> items{FederationPresence{offline}, FederationPresenceTo{kAlice, {}},
                                            FederationKeyedEdu{{"a", "b"}, kTyping}, kTyping};
    for (const auto& item : items) {
        const auto row = std::visit([](const auto& of_kind) { return of_kind.to_row(); }, item);
        const auto again = parse_federation_item(row);
        REQUIRE(again.has_value());
        CHECK(*again == item);
    }
}

TEST_CASE("a federation row that is not what it says is refused", "[replication][rows]") {
    for (
        const auto* text : {
            R"(["x", {}])",
            R"(["p", {}])",
            R"(["p", []])",
            R"(["pd", {"state": {}, "dests": []}])",
            R"(["pd", {"dests": ["h"]}])",
            R"(["e", {"edu_type": "t", "content": 7, "origin": "o", "destination": "d"}])",
            R"(["e", {"edu_type": "t", "content": {}, "origin": "o"}])",
            R"(["k", {"key": "k", "edu": {"edu_type": "t", "content": {}, "origin": "o", "destination": "d"}}])",
            R"(["k", {"key": [], "edu": null}])",
        }) {
        CAPTURE(text);
        CHECK_FALSE(parse_federation_item(read(text)).has_value());
    }
}
