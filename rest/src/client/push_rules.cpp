#include "weft/rest/client/push_rules.hpp"

#include <functional>

#include "client/body_members.hpp"
#include "client/worker_kinds.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;
using handlers::PushRuleName;

namespace {

PushRuleName rule_name(const http::Request& request) {
    const auto kind = proto::parse_push_rule_kind(request.param("kind"));
    if (!kind) throw MatrixError::unrecognized(404);
    return {request.auth().user_id, *kind, request.param("ruleId")};
}

std::optional<std::string> query_text(const http::Request& request, std::string_view key) {
    const auto value = request.query_param(key);
    return value ? std::optional{std::string{*value}} : std::nullopt;
}

/// With and without the slash at the end, which not all clients send.
std::vector<std::string> listing_paths(const std::string& tail) {
    auto paths = http::client_paths(tail + "/");
    for (auto& path : http::client_paths(tail)) paths.push_back(std::move(path));
    return paths;
}

http::Endpoint reads(std::vector<std::string> paths, std::string operation) {
    return {.method = http::Method::kGet,
            .paths = std::move(paths),
            .operation = std::move(operation),
            .auth = http::Auth::kAccessToken,
            .workers = kOnClientReader};
}

http::Endpoint writes(http::Method method, std::string_view path, std::string operation) {
    return {.method = method,
            .paths = http::client_paths(path),
            .operation = std::move(operation),
            .auth = http::Auth::kAccessToken,
            .writes = "push_rules"};
}

}  // namespace

void PushRuleEndpoints::register_on(http::Router& router) {
    using Function = Task<http::Response> (PushRuleEndpoints::*)(http::Request);
    using http::Method;
    const auto add = [&](http::Endpoint endpoint, Function function) {
        router.add(std::move(endpoint), std::bind_front(function, this));
    };
    constexpr auto kRule = "/pushrules/global/{kind}/{ruleId}";
    constexpr auto kEnabled = "/pushrules/global/{kind}/{ruleId}/enabled";
    constexpr auto kActions = "/pushrules/global/{kind}/{ruleId}/actions";
    add(reads(listing_paths("/pushrules"), "getPushRules"), &PushRuleEndpoints::get_all);
    add(reads(listing_paths("/pushrules/global"), "getPushRulesGlobal"), &PushRuleEndpoints::get_global);
    add(reads(http::client_paths(kRule), "getPushRule"), &PushRuleEndpoints::get_rule);
    add(writes(Method::kPut, kRule, "setPushRule"), &PushRuleEndpoints::put_rule);
    add(writes(Method::kDelete, kRule, "deletePushRule"), &PushRuleEndpoints::delete_rule);
    add(reads(http::client_paths(kEnabled), "isPushRuleEnabled"), &PushRuleEndpoints::get_enabled);
    add(writes(Method::kPut, kEnabled, "setPushRuleEnabled"), &PushRuleEndpoints::put_enabled);
    add(reads(http::client_paths(kActions), "getPushRuleActions"), &PushRuleEndpoints::get_actions);
    add(writes(Method::kPut, kActions, "setPushRuleActions"), &PushRuleEndpoints::put_actions);
}

Task<http::Response> PushRuleEndpoints::get_all(http::Request request) {
    co_return http::Response::json(co_await rules_.all(request.auth().user_id));
}

Task<http::Response> PushRuleEndpoints::get_global(http::Request request) {
    auto all = co_await rules_.all(request.auth().user_id);
    co_return http::Response::json(all["global"]);
}

Task<http::Response> PushRuleEndpoints::get_rule(http::Request request) {
    co_return http::Response::json(co_await rules_.get(rule_name(request)));
}

Task<http::Response> PushRuleEndpoints::put_rule(http::Request request) {
    auto name = rule_name(request);
    co_await rules_.put(std::move(name), request.json_body(), query_text(request, "before"),
                        query_text(request, "after"));
    co_return http::Response::empty_object();
}

Task<http::Response> PushRuleEndpoints::delete_rule(http::Request request) {
    co_await rules_.remove(rule_name(request));
    co_return http::Response::empty_object();
}

Task<http::Response> PushRuleEndpoints::get_enabled(http::Request request) {
    const bool enabled = co_await rules_.is_enabled(rule_name(request));
    co_return http::Response::json(json::object{{"enabled", enabled}});
}

Task<http::Response> PushRuleEndpoints::put_enabled(http::Request request) {
    auto name = rule_name(request);
    const auto enabled = optional_bool(request.json_body(), "enabled");
    if (!enabled) throw MatrixError::missing_param("'enabled' is missing");
    co_await rules_.set_enabled(std::move(name), *enabled);
    co_return http::Response::empty_object();
}

Task<http::Response> PushRuleEndpoints::get_actions(http::Request request) {
    auto actions = co_await rules_.actions(rule_name(request));
    co_return http::Response::json(json::object{{"actions", std::move(actions)}});
}

Task<http::Response> PushRuleEndpoints::put_actions(http::Request request) {
    auto name = rule_name(request);
    const auto body = request.json_body();
    const auto* const actions = proto::find(body, "actions");
    if (!actions) throw MatrixError::missing_param("'actions' is missing");
    co_await rules_.set_actions(std::move(name), *actions);
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
