#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/user_data/push_rules.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// /pushrules/global/{kind}/{ruleId} and what hangs on it. `global` is the only ruleset there is.
class PushRuleEndpoints {
public:
    explicit PushRuleEndpoints(handlers::PushRules& rules) : rules_{rules} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_all(http::Request request);
    Task<http::Response> get_global(http::Request request);
    Task<http::Response> get_rule(http::Request request);
    Task<http::Response> put_rule(http::Request request);
    Task<http::Response> delete_rule(http::Request request);
    Task<http::Response> get_enabled(http::Request request);
    Task<http::Response> put_enabled(http::Request request);
    Task<http::Response> get_actions(http::Request request);
    Task<http::Response> put_actions(http::Request request);

    handlers::PushRules& rules_;
};

}  // namespace weft::rest
