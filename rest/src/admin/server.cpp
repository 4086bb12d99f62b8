#include "weft/rest/admin/server.hpp"

#include <algorithm>
#include <functional>

#include <boost/json/array.hpp>

#include "admin/admin_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/random.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

using core::MatrixError;
namespace json = boost::json;

namespace {

constexpr std::int64_t kTokenCharacters = 16;
constexpr std::int64_t kTokenCharactersMax = 64;
constexpr std::int64_t kUsesMax = 2'147'483'647;

json::object document(const storage::RegistrationToken& token) {
    json::object out{{"token", token.token}, {"pending", token.pending}, {"completed", token.completed}};
    out["uses_allowed"] = token.uses_allowed ? json::value(*token.uses_allowed) : json::value(nullptr);
    out["expiry_time"] = token.expiry_ms ? json::value(*token.expiry_ms) : json::value(nullptr);
    return out;
}

std::optional<std::int64_t> uses_in(const json::object& body) {
    const auto uses = optional_integer(body, "uses_allowed");
    if (uses && (*uses < 0 || *uses > kUsesMax)) {
        throw MatrixError::invalid_param("uses_allowed must be a non-negative integer or null");
    }
    return uses;
}

std::optional<std::int64_t> expiry_in(const json::object& body) {
    const auto expiry = optional_integer(body, "expiry_time");
    if (expiry && *expiry < 0) throw MatrixError::invalid_param("expiry_time must not be in the past");
    return expiry;
}

bool is_token(std::string_view text) {
    const auto belongs = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"._~-"}.find(c) != std::string_view::npos;
    };
    return !text.empty() && text.size() <= kTokenCharactersMax && std::ranges::all_of(text, belongs);
}

MatrixError unknown_token(std::string_view token) {
    return MatrixError::not_found(fmt::format("No such registration token: {}", token));
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
    const auto valid = request.query_bool("valid");
    json::array list;
    for (const auto& token : co_await tokens_.list()) {
        if (valid && co_await tokens_.is_valid(token.token) != *valid) continue;
        list.push_back(document(token));
    }
    co_return http::Response::json(json::object{{"registration_tokens", std::move(list)}});
}

Task<http::Response> AdminServerEndpoints::post_token(http::Request request) {
    const auto body = request.json_body(true);
    storage::RegistrationToken token;
    const auto length = optional_integer(body, "length").value_or(kTokenCharacters);
    if (length < 1 || length > kTokenCharactersMax)
        throw MatrixError::invalid_param("length must be 1 to 64");
    auto given = optional_string(body, "token");
    token.token = given ? std::move(*given) : core::random_alphanumeric(static_cast<std::size_t>(length));
    if (!is_token(token.token)) {
        throw MatrixError::invalid_param("A token has 1 to 64 of the characters [A-Za-z0-9._~-]");
    }
    token.uses_allowed = uses_in(body);
    token.expiry_ms = expiry_in(body);
    auto out = document(token);
    if (!co_await tokens_.create(std::move(token)))
        throw MatrixError::invalid_param("The token exists already");
    co_return http::Response::json(out);
}

Task<http::Response> AdminServerEndpoints::get_token(http::Request request) {
    const auto token = co_await tokens_.get(request.param("token"));
    if (!token) throw unknown_token(request.param("token"));
    co_return http::Response::json(document(*token));
}

Task<http::Response> AdminServerEndpoints::put_token(http::Request request) {
    const auto body = request.json_body(true);
    auto token = co_await tokens_.get(request.param("token"));
    if (!token) throw unknown_token(request.param("token"));
    if (body.contains("uses_allowed")) token->uses_allowed = uses_in(body);
    if (body.contains("expiry_time")) token->expiry_ms = expiry_in(body);
    co_await tokens_.set_limits(token->token, token->uses_allowed, token->expiry_ms);
    co_return http::Response::json(document(*token));
}

Task<http::Response> AdminServerEndpoints::delete_token(http::Request request) {
    if (!co_await tokens_.remove(request.param("token"))) throw unknown_token(request.param("token"));
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
