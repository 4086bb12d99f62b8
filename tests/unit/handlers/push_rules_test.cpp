#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"
#include "weft/handlers/push/email_notifications.hpp"
#include "weft/handlers/user_data/push_rules.hpp"

using namespace weft;
using proto::PushRuleKind;
namespace json = boost::json;

namespace {

/// The error code that the rule is refused with, or "" if it is taken.
std::string refusal(PushRuleKind kind, const std::string& rule_id, std::string_view body) {
    try {
        handlers::checked_push_rule(kind, rule_id, proto::parse_json_object(body).value());
        return "";
    } catch (const core::MatrixError& error) {
        CHECK(error.http_status == 400);
        return error.errcode;
    }
}

constexpr auto kNotify = R"({"actions": ["notify"]})";

}  // namespace

TEST_CASE("mail about a room comes after ten minutes, then after a day, and as at first when it was quiet") {
    constexpr std::int64_t kDay = 24 * 3'600'000;
    const auto first = handlers::throttled(std::nullopt, 5);
    const auto second = handlers::throttled(first, 10);

    CHECK(first.last_sent_ms == 5);
    CHECK(first.pause_ms == 600'000);
    CHECK(second.last_sent_ms == 10);
    CHECK(second.pause_ms == kDay);
    CHECK(handlers::throttled(second, 10 + kDay).pause_ms == kDay);
    CHECK(handlers::throttled(second, 11 + 2 * kDay).pause_ms == 600'000);
}

TEST_CASE("a rule is stored as its kind wants it", "[push_rules]") {
    const auto body = proto::parse_json_object(R"({"actions": ["notify"], "pattern": "cake*lie"})").value();

    const auto content = handlers::checked_push_rule(PushRuleKind::kContent, "nocake", body);
    CHECK(content.rule_id == "global/content/nocake");
    CHECK(content.priority_class == 4);
    CHECK(content.actions == R"(["notify"])");
    CHECK(content.conditions == R"([{"kind":"event_match","key":"content.body","pattern":"cake*lie"}])");

    const auto room = handlers::checked_push_rule(PushRuleKind::kRoom, "!a:test", body);
    CHECK(room.rule_id == "global/room/!a:test");
    CHECK(room.priority_class == 3);
    CHECK(room.conditions == R"([{"kind":"event_match","key":"room_id","pattern":"!a:test"}])");
}

TEST_CASE("rule IDs that cannot be are refused", "[push_rules]") {
    CHECK(refusal(PushRuleKind::kOverride, "mine", kNotify) == "");
    CHECK(refusal(PushRuleKind::kOverride, ".mine", kNotify) == "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, "a/b", kNotify) == "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, "a\\b", kNotify) == "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, "", kNotify) == "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, std::string("a\0b", 3), kNotify) == "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, std::string(256, 'a'), kNotify) == "M_INVALID_PARAM");
}

TEST_CASE("bodies of rules are checked", "[push_rules]") {
    CHECK(refusal(PushRuleKind::kOverride, "a", "{}") == "M_MISSING_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, "a", R"({"actions": "notify"})") == "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, "a", R"({"actions": ["stir"]})") == "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, "a", R"({"actions": [1]})") == "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, "a", R"({"actions": [], "conditions": {}})") == "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kOverride, "a", R"({"actions": [], "conditions": [{}]})") ==
          "M_INVALID_PARAM");
    CHECK(refusal(PushRuleKind::kUnderride, "a",
                  R"({"actions": [{"set_tweak": "sound"}], "conditions": [{"kind": "x"}]})") == "");
    CHECK(refusal(PushRuleKind::kContent, "a", kNotify) == "M_MISSING_PARAM");
    CHECK(refusal(PushRuleKind::kContent, "a", R"({"actions": [], "pattern": 5})") == "M_INVALID_PARAM");
}
