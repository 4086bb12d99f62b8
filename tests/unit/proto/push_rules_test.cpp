#include "weft/proto/push_rules.hpp"

#include <catch2/catch.hpp>

#include "room_fixture.hpp"

using namespace weft::proto;
using test::object;

namespace {

const std::string kOwner = "@alice:example.org";

StoredPushRule stored(PushRuleKind kind, std::string_view id, std::string_view body, int priority = 0) {
    auto row = make_stored_push_rule(kind, id, object(body)).value();
    row.priority = priority;
    return row;
}

std::vector<std::string> ids(const json::object& rules, std::string_view kind) {
    std::vector<std::string> out;
    for (const auto& rule : rules.at("global").at(kind).as_array())
        out.emplace_back(rule.at("rule_id").as_string());
    return out;
}

}  // namespace

TEST_CASE("a new user has the predefined rules in the order of the specification", "[push_rules]") {
    const auto rules = PushRuleset{kOwner, {}, {}}.to_json();
    CHECK(ids(rules, "override") ==
          std::vector<std::string>{".m.rule.master", ".m.rule.suppress_notices", ".m.rule.invite_for_me",
                                   ".m.rule.member_event", ".m.rule.is_user_mention",
                                   ".m.rule.is_room_mention", ".m.rule.tombstone", ".m.rule.reaction",
                                   ".m.rule.room.server_acl", ".m.rule.suppress_edits"});
    CHECK(ids(rules, "underride") ==
          std::vector<std::string>{".m.rule.call", ".m.rule.encrypted_room_one_to_one",
                                   ".m.rule.room_one_to_one", ".m.rule.message", ".m.rule.encrypted"});
    for (const auto* empty : {"content", "room", "sender"}) CHECK(ids(rules, empty).empty());
}

TEST_CASE("rules that are about their owner show the owner's id", "[push_rules]") {
    const PushRuleset rules{kOwner, {}, {}};
    const auto* mention = rules.find(PushRuleKind::kOverride, ".m.rule.is_user_mention");
    CHECK(rules.entry_to_json(*mention) ==
          object(R"({"rule_id":".m.rule.is_user_mention","default":true,"enabled":true,
        "conditions":[{"kind":"event_property_contains","key":"content.m\\.mentions.user_ids","value":"@alice:example.org"}],
        "actions":["notify",{"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}]})"));
    const auto* invite = rules.find(PushRuleKind::kOverride, ".m.rule.invite_for_me");
    CHECK(rules.entry_to_json(*invite).at("conditions").at(2).at("pattern").as_string() ==
          "@alice:example.org");
    const auto* master = rules.find(PushRuleKind::kOverride, ".m.rule.master");
    CHECK_FALSE(master->enabled);
}

TEST_CASE("user rules stand before the defaults of their kind, by priority, but after master",
          "[push_rules]") {
    const PushRuleset rules{kOwner,
                            {stored(PushRuleKind::kOverride, "low", R"({"actions":["notify"]})", 1),
                             stored(PushRuleKind::kOverride, "high", R"({"actions":["notify"]})", 2),
                             stored(PushRuleKind::kUnderride, "under", R"({"actions":[],"conditions":[]})"),
                             stored(PushRuleKind::kContent, "word", R"({"actions":[],"pattern":"cake"})"),
                             stored(PushRuleKind::kRoom, "!r:x", R"({"actions":[]})"),
                             stored(PushRuleKind::kSender, "@b:x", R"({"actions":["dont_notify"]})")},
                            {}};
    const auto shown = rules.to_json();
    const auto overrides = ids(shown, "override");
    CHECK(std::vector(overrides.begin(), overrides.begin() + 4) ==
          std::vector<std::string>{".m.rule.master", "high", "low", ".m.rule.suppress_notices"});
    CHECK(ids(shown, "underride").front() == "under");
    CHECK(shown.at("global").at("content").at(0) ==
          object(R"({"rule_id":"word","default":false,"enabled":true,"pattern":"cake","actions":[]})"));
    CHECK(shown.at("global").at("room").at(0) ==
          object(R"({"rule_id":"!r:x","default":false,"enabled":true,"actions":[]})"));
    CHECK(shown.at("global").at("sender").at(0).at("actions") == json::array{"dont_notify"});
}

TEST_CASE("flags and changed actions of the tables apply to defaults and user rules", "[push_rules]") {
    const StoredPushRule changed{"global/underride/.m.rule.message", kDefaultRuleActionsClass, 0, "[]",
                                 R"([{"set_tweak":"highlight"}])"};
    const PushRuleset rules{
        kOwner,
        {changed, stored(PushRuleKind::kContent, "foo", R"({"actions":["notify"],"pattern":"foo"})")},
        {{"global/override/.m.rule.master", true}, {"global/content/foo", false}}};
    CHECK(rules.find(PushRuleKind::kOverride, ".m.rule.master")->enabled);
    CHECK_FALSE(rules.find(PushRuleKind::kContent, "foo")->enabled);
    const auto* message = rules.find(PushRuleKind::kUnderride, ".m.rule.message");
    CHECK_FALSE(message->actions().notify);
    CHECK(message->actions().highlight);
    CHECK(rules.entry_to_json(*message).at("actions") ==
          parse_json(R"([{"set_tweak":"highlight"}])").value());
    CHECK(ids(rules.to_json(), "underride").size() == 5);
}

TEST_CASE("rows that make no sense are skipped", "[push_rules]") {
    const PushRuleset rules{kOwner,
                            {{"nonsense", 5, 0, "[]", "[]"},
                             {"global/override/x", 5, 0, "{", "[]"},
                             {"global/override/y", 5, 0, "[]", "5"},
                             {"global/content/z", 4, 0, "[]", "[]"},
                             {"global/room/w", 5, 0, "[]", "[]"}},
                            {}};
    CHECK(rules.entries().size() == default_push_rules().size());
}

TEST_CASE("a rule of a client becomes the row that Synapse would write", "[push_rules]") {
    const auto row = make_stored_push_rule(PushRuleKind::kContent, "bar",
                                           object(R"({"pattern":"bar","actions":["notify"]})"))
                         .value();
    CHECK(row.rule_id == "global/content/bar");
    CHECK(row.priority_class == 4);
    CHECK(parse_json(row.conditions_json).value() ==
          parse_json(R"([{"kind":"event_match","key":"content.body","pattern":"bar"}])").value());
    CHECK(row.actions_json == R"(["notify"])");
    CHECK(make_stored_push_rule(PushRuleKind::kRoom, "!r:x", object(R"({"actions":[]})"))
              .value()
              .priority_class == 3);
}

TEST_CASE("rules that cannot be are refused", "[push_rules]") {
    const auto refused = [](PushRuleKind kind, std::string_view id, std::string_view body) {
        return make_stored_push_rule(kind, id, object(body)).has_error();
    };
    CHECK(refused(PushRuleKind::kOverride, ".mine", R"({"actions":[]})"));
    CHECK(refused(PushRuleKind::kOverride, "a/b", R"({"actions":[]})"));
    CHECK(refused(PushRuleKind::kOverride, "a\\b", R"({"actions":[]})"));
    CHECK(refused(PushRuleKind::kOverride, "", R"({"actions":[]})"));
    CHECK(refused(PushRuleKind::kOverride, "a", R"({})"));
    CHECK(refused(PushRuleKind::kOverride, "a", R"({"actions":{}})"));
    CHECK(refused(PushRuleKind::kOverride, "a", R"({"actions":["explode"]})"));
    CHECK(refused(PushRuleKind::kOverride, "a", R"({"actions":[{"value":1}]})"));
    CHECK(refused(PushRuleKind::kOverride, "a", R"({"actions":[],"conditions":[{}]})"));
    CHECK(refused(PushRuleKind::kContent, "a", R"({"actions":[]})"));
}
