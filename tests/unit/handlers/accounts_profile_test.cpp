#include <catch2/catch.hpp>

#include "weft/handlers/accounts/profiles.hpp"
#include "weft/proto/json.hpp"

using namespace weft;
using namespace weft::handlers;

TEST_CASE("profile keys are the two old ones or namespaced", "[accounts]") {
    const auto* valid = GENERATE("displayname", "avatar_url", "m.tz", "org.example.job_title", "a1.b2_");
    CHECK(is_valid_profile_key(valid));
}

TEST_CASE("other profile keys are invalid", "[accounts]") {
    const auto* invalid = GENERATE("", "nick", ".", "m.", ".tz", "m..tz", "M.tz", "m.1tz", "m.t-z", "m.tz ");
    CHECK_FALSE(is_valid_profile_key(invalid));
}

TEST_CASE("a profile key is at most 255 bytes long", "[accounts]") {
    CHECK(is_valid_profile_key("m." + std::string(253, 'a')));
    CHECK_FALSE(is_valid_profile_key("m." + std::string(254, 'a')));
}

TEST_CASE("a membership event takes over the profile and drops what belonged to the join", "[accounts]") {
    const boost::json::object content{{"membership", "join"},
                                      {"displayname", "old"},
                                      {"avatar_url", "mxc://old"},
                                      {"reason", "hi"},
                                      {"join_authorised_via_users_server", "@b:x"},
                                      {"org.example.mood", "fine"}};
    storage::Profile profile;
    profile.displayname = "new";

    const auto changed = member_content_with_profile(content, profile);

    CHECK(proto::canonical_json(changed) ==
          R"({"displayname":"new","membership":"join","org.example.mood":"fine"})");
}
