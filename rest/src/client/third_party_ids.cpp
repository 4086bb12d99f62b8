#include "weft/rest/client/third_party_ids.hpp"

#include <functional>

#include <boost/json/array.hpp>

#include "client/account_params.hpp"
#include "client/email_pages.hpp"
#include "client/identity_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/http/uri.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

http::Endpoint account_action(std::string_view tail, std::string operation) {
    return {.method = http::Method::kPost,
            .paths = http::client_paths(fmt::format("/account/3pid{}", tail)),
            .operation = std::move(operation),
            .auth = http::Auth::kAccessToken,
            .runs_at = http::RunsAt::kMaster};
}

http::Endpoint token_request(std::string_view tail, std::string operation) {
    return {.method = http::Method::kPost,
            .paths = http::client_paths(tail),
            .operation = std::move(operation),
            .auth = http::Auth::kNone,
            .runs_at = http::RunsAt::kMaster};
}

/// The address that a body names.
storage::ThreePidAddress address_in(const boost::json::object& body) {
    storage::ThreePidAddress out{required_string(body, "medium"), required_string(body, "address")};
    if (out.medium == handlers::ThirdPartyIds::kEmail) out.address = handlers::canonical_email(out.address);
    return out;
}

std::string link_parameter(const http::Query& query, std::string_view name) {
    for (const auto& [key, value] : query) {
        if (key != name) continue;
        if (value.find('\0') != std::string::npos) break;
        return value;
    }
    throw MatrixError::missing_param(fmt::format("Missing {}", name));
}

EmailLink link_of(const http::Query& query) {
    return {link_parameter(query, "sid"), link_parameter(query, "client_secret"),
            link_parameter(query, "token")};
}

}  // namespace

void ThirdPartyIdEndpoints::register_on(http::Router& router) {
    const auto add = [&](http::Endpoint endpoint,
                         Task<http::Response> (ThirdPartyIdEndpoints::*function)(http::Request)) {
        router.add(std::move(endpoint), std::bind_front(function, this));
    };
    add({.method = http::Method::kGet,
         .paths = http::client_paths("/account/3pid"),
         .operation = "getAccount3PIDs",
         .auth = http::Auth::kAccessToken,
         .workers = kOnClientReader},
        &ThirdPartyIdEndpoints::get_list);
    add(account_action("", "post3PIDs"), &ThirdPartyIdEndpoints::post_old_add);
    add(account_action("/add", "add3PID"), &ThirdPartyIdEndpoints::post_add);
    add(account_action("/bind", "bind3PID"), &ThirdPartyIdEndpoints::post_bind);
    add(account_action("/delete", "delete3pidFromAccount"), &ThirdPartyIdEndpoints::post_delete);
    add(account_action("/unbind", "unbind3pidFromAccount"), &ThirdPartyIdEndpoints::post_unbind);
    register_token_requests(router);
    http::Endpoint page{.method = http::Method::kGet,
                        .paths = {std::string{handlers::ThirdPartyIds::kLinkPath}},
                        .operation = "email_link_page",
                        .auth = http::Auth::kNone,
                        .runs_at = http::RunsAt::kMaster};
    add(page, &ThirdPartyIdEndpoints::get_submit_token);
    page.method = http::Method::kPost;
    page.operation = "email_link_confirm";
    add(page, &ThirdPartyIdEndpoints::post_submit_token);
}

void ThirdPartyIdEndpoints::register_token_requests(http::Router& router) {
    using handlers::EmailPurpose;
    const struct {
        std::string_view path;
        std::string_view name;
        EmailPurpose purpose;
    } purposes[] = {{"/register", "Register", EmailPurpose::kRegister},
                    {"/account/3pid", "3PID", EmailPurpose::kAdd},
                    {"/account/password", "ResetPassword", EmailPurpose::kResetPassword}};
    for (const auto& each : purposes) {
        // The specification's names: requestTokenToRegisterEmail, requestTokenTo3PIDMSISDN, …
        router.add(token_request(fmt::format("{}/email/requestToken", each.path),
                                 fmt::format("requestTokenTo{}Email", each.name)),
                   std::bind_front(&ThirdPartyIdEndpoints::post_email_token, this, each.purpose));
        router.add(token_request(fmt::format("{}/msisdn/requestToken", each.path),
                                 fmt::format("requestTokenTo{}MSISDN", each.name)),
                   std::bind_front(&ThirdPartyIdEndpoints::post_msisdn_token, this));
    }
}

Task<http::Response> ThirdPartyIdEndpoints::get_list(http::Request request) {
    boost::json::array list;
    for (const auto& id : co_await ids_.list(request.auth().user_id)) {
        list.push_back(boost::json::object{{"medium", id.medium},
                                           {"address", id.address},
                                           {"validated_at", id.validated_ms},
                                           {"added_at", id.added_ms}});
    }
    co_return http::Response::json(boost::json::object{{"threepids", std::move(list)}});
}

Task<http::Response> ThirdPartyIdEndpoints::post_old_add(http::Request request) {
    const auto body = request.json_body();
    auto creds = optional_object(body, "three_pid_creds");
    if (creds.empty()) creds = optional_object(body, "threePidCreds");
    if (creds.empty()) throw MatrixError::missing_param("'three_pid_creds' is missing");
    auto proven =
        co_await ids_.proven(required_string(creds, "sid"), required_string(creds, "client_secret"));
    co_await ids_.add(request.auth().user_id, std::move(proven));
    co_return http::Response::empty_object();
}

Task<http::Response> ThirdPartyIdEndpoints::post_add(http::Request request) {
    auto body = request.json_body();
    auto sid = required_string(body, "sid");
    auto client_secret = required_string(body, "client_secret");
    co_await interactive_auth_.require(handlers::operation_of(request, std::move(body)), password_flow());
    auto proven = co_await ids_.proven(std::move(sid), std::move(client_secret));
    co_await ids_.add(request.auth().user_id, std::move(proven));
    co_return http::Response::empty_object();
}

Task<http::Response> ThirdPartyIdEndpoints::post_bind(http::Request request) {
    const auto body = request.json_body();
    handlers::IdentityServers::Session session{required_id_server(body), required_id_access_token(body),
                                               required_string(body, "sid"), required_string(body, "client_secret")};
    co_await bindings_.bind(request.auth().user_id, std::move(session));
    co_return http::Response::empty_object();
}

Task<http::Response> ThirdPartyIdEndpoints::post_delete(http::Request request) {
    const auto body = request.json_body();
    auto address = address_in(body);
    auto id_server = optional_id_server(body);
    const auto user_id = request.auth().user_id;
    co_await ids_.remove(user_id, address.medium, address.address);
    const auto unbound = co_await bindings_.try_unbind(user_id, std::move(address), std::move(id_server));
    co_return http::Response::json(unbind_result(unbound));
}

Task<http::Response> ThirdPartyIdEndpoints::post_unbind(http::Request request) {
    const auto body = request.json_body();
    auto address = address_in(body);
    auto id_server = optional_id_server(body);
    const auto unbound =
        co_await bindings_.unbind(request.auth().user_id, std::move(address), std::move(id_server));
    co_return http::Response::json(unbind_result(unbound));
}

Task<http::Response> ThirdPartyIdEndpoints::post_email_token(handlers::EmailPurpose purpose,
                                                             http::Request request) {
    const auto body = request.json_body();
    handlers::EmailTokenRequest wish;
    wish.purpose = purpose;
    wish.client_secret = required_string(body, "client_secret");
    wish.email = required_string(body, "email");
    wish.send_attempt = required_integer(body, "send_attempt");
    wish.next_link = optional_string(body, "next_link");
    const auto sid = co_await ids_.request_token(std::move(wish));
    co_return http::Response::json(boost::json::object{{"sid", sid}});
}

Task<http::Response> ThirdPartyIdEndpoints::post_msisdn_token(http::Request request) {
    const auto body = request.json_body();
    for (const auto* key : {"client_secret", "country", "phone_number"}) required_string(body, key);
    required_integer(body, "send_attempt");
    throw MatrixError{403, "M_THREEPID_DENIED", "This server does not accept telephone numbers"};
    co_return http::Response::empty_object();
}

Task<http::Response> ThirdPartyIdEndpoints::get_submit_token(http::Request request) {
    // A page to confirm on: programs that look into e-mails follow links, too.
    co_return confirmation_page(link_of(request.query));
}

Task<http::Response> ThirdPartyIdEndpoints::post_submit_token(http::Request request) {
    const auto form = http::parse_query(request.body);
    if (!form) throw MatrixError::invalid_param("The form is not valid");
    auto link = link_of(*form);
    std::optional<std::string> next_link;
    std::optional<MatrixError> failure;
    try {
        next_link = co_await ids_.validate(std::move(link.session_id), std::move(link.client_secret),
                                           std::move(link.token));
    } catch (const MatrixError& error) {
        failure = error;
    }
    if (failure) co_return failure_page(failure->http_status, failure->what());
    co_return next_link ? redirection(*next_link) : success_page();
}

}  // namespace weft::rest
