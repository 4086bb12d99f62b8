#include <catch2/catch.hpp>

#include "config_files.hpp"
#include "weft/core/appservice.hpp"

using namespace weft;

namespace {

const std::string kBridge = R"(id: bridge
url: http://127.0.0.1:9000/
as_token: one
hs_token: two
sender_localpart: bot
rate_limited: false
de.sorunome.msc2409.push_ephemeral: true
protocols: [irc]
namespaces:
  users:
    - {exclusive: true, regex: "@irc_.*"}
  aliases:
    - {exclusive: false, regex: "#irc_[a-z]+:example\\.org"}
  rooms: []
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string error_of(const std::vector<std::string>& texts) {
    const test::ConfigFiles files;
    std::vector<std::string> names;
    for (const auto& text : texts)
        names.push_back(files.write(fmt::format("{}.yaml", names.size() + 1), text));
    try {
        core::load_appservices(names);
    } catch (const core::ConfigError& error) {
        const std::string what = error.what();
        return what.substr(what.rfind('/') + 1);
    }
    return {};
}

}  // namespace

TEST_CASE("a registration says who the service is and what is its own", "[appservice]") {
    const test::ConfigFiles files;
    const auto services = core::load_appservices({files.write("bridge.yaml", kBridge)});
    REQUIRE(services.size() == 1);
    const auto& bridge = services.front();
    CHECK(bridge.id == "bridge");
    CHECK(bridge.url == "http://127.0.0.1:9000");
    CHECK(bridge.sender_localpart == "bot");
    CHECK_FALSE(bridge.rate_limited);
    CHECK(bridge.receive_ephemeral);
    CHECK(bridge.protocols == std::vector<std::string>{"irc"});
    CHECK(core::namespace_holds(bridge.users, "@irc_ann:example.org"));
    CHECK_FALSE(core::namespace_holds(bridge.users, "x@irc_ann:example.org"));
    CHECK(core::namespace_holds(bridge.aliases, "#irc_weft:example.org"));
    CHECK_FALSE(core::namespace_holds(bridge.aliases, "#irc_weft:example.org", true));
    CHECK_FALSE(core::namespace_holds(bridge.aliases, "#irc_weft:example.orgs"));
    CHECK_FALSE(core::namespace_holds(bridge.users, "@irc_" + std::string(1000, 'a')));
}

TEST_CASE("a registration that cannot be used is named with what is wrong", "[appservice]") {
    CHECK(error_of({kBridge}).empty());
    CHECK(error_of({replaced(kBridge, "url: http://127.0.0.1:9000/", "url: null")}).empty());
    CHECK(error_of({replaced(kBridge, "as_token: one\n", "")}) == "1.yaml: as_token: expected a string");
    CHECK(error_of({replaced(kBridge, "exclusive: true, ", "")}) ==
          "1.yaml: namespaces.users: each needs exclusive: true or false");
    CHECK(error_of({replaced(kBridge, "@irc_.*", "@irc_(")}).starts_with("1.yaml: namespaces.users: @irc_("));
    CHECK(error_of({replaced(kBridge, "rate_limited: false", "rate_limited: often")}) ==
          "1.yaml: rate_limited: expected true or false");
    CHECK(error_of({kBridge, kBridge}) == "2.yaml: id: another application service has it");
    CHECK(error_of({kBridge, replaced(kBridge, "id: bridge", "id: other")}) ==
          "2.yaml: as_token: another application service has it");
    CHECK(error_of({"- 1"}) == "1.yaml: expected a map");
}
