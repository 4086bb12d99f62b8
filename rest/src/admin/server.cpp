#include "weft/rest/admin/server.hpp"

#include <functional>

#include <boost/json/array.hpp>

#include "admin/admin_params.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

namespace json = boost::json;

namespace {

json::object document(const storage::RegistrationToken& token) {
    json::object out{{"token", token.token}, {"pending", token.pending}, {"completed", token.completed}};
    out["uses_allowed"] = token.uses_allowed ? json::value(*token.uses_allowed) : json::value(nullptr);
    out["expiry_time"] = token.expiry_ms ? json::value(*token.expiry_ms) : json::value(nullptr);
    return out;
}

/// What the body says; the rest is as it was.
handlers::RegistrationTokenLimits limits_in(const json::object& body,
                                            handlers::RegistrationTokenLimits limits) {
    if (body.contains("uses_allowed")) limits.uses_allowed = optional_integer(body, "uses_allowed");
    if (body.contains("expiry_time")) limits.expiry_ms = optional_integer(body, "expiry_time");
    return limits;
}

}  // namespace

void AdminServerEndpoints::add(http::Router& router, http::Method method, std::string tail,
                               std::string operation, Function function) {
    std::vector<std::string> tails{std::move(tail)};
    router.add(admin_endpoint(method, std::move(tails), std::move(operation)),
               std::bind_front(function, this));
}

void AdminServerEndpoints::register_on(http::Router& router) {
    using http::Method;
    using E = AdminServerEndpoints;
    // Anybody may know: the specification's own /version endpoint of federation tells it, too.
    auto version = admin_endpoint(Method::kGet, {"/v1/server_version"}, "admin_server_version");
    version.auth = http::Auth::kNone;
    version.runs_at = http::RunsAt::kAnywhere;
    router.add(std::move(version), std::bind_front(&E::get_version, this));
    add(router, Method::kGet, "/v1/registration_tokens", "admin_list_registration_tokens", &E::get_tokens);
    add(router, Method::kPost, "/v1/registration_tokens/new", "admin_new_registration_token", &E::post_token);
    add(router, Method::kGet, "/v1/registration_tokens/{token}", "admin_get_registration_token",
        &E::get_token);
    add(router, Method::kPut, "/v1/registration_tokens/{token}", "admin_put_registration_token",
        &E::put_token);
    add(router, Method::kDelete, "/v1/registration_tokens/{token}", "admin_delete_registration_token",
        &E::delete_token);
}

Task<http::Response> AdminServerEndpoints::get_version(http::Request) {
    co_return http::Response::json(json::object{{"server_version", "Weft " + version_}});
}

Task<http::Response> AdminServerEndpoints::get_tokens(http::Request request) {
    json::array list;
    for (const auto& token : co_await tokens_.list(request.query_bool("valid")))
        list.push_back(document(token));
    co_return http::Response::json(json::object{{"registration_tokens", std::move(list)}});
}

Task<http::Response> AdminServerEndpoints::post_token(http::Request request) {
    const auto body = request.json_body(true);
    const auto characters =
        optional_integer(body, "length").value_or(handlers::RegistrationTokens::kCharacters);
    const auto made =
        co_await tokens_.create(optional_string(body, "token"), characters, limits_in(body, {}));
    co_return http::Response::json(document(made));
}

Task<http::Response> AdminServerEndpoints::get_token(http::Request request) {
    const auto token = co_await tokens_.get(request.param("token"));
    co_return http::Response::json(document(token));
}

Task<http::Response> AdminServerEndpoints::put_token(http::Request request) {
    const auto body = request.json_body(true);
    const auto before = co_await tokens_.get(request.param("token"));
    auto limits = limits_in(body, {before.uses_allowed, before.expiry_ms});
    const auto after = co_await tokens_.set_limits(request.param("token"), std::move(limits));
    co_return http::Response::json(document(after));
}

Task<http::Response> AdminServerEndpoints::delete_token(http::Request request) {
    co_await tokens_.remove(request.param("token"));
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
