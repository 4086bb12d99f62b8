#include "weft/rest/client/account.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "client/identity_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

void AccountEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/account/whoami"),
                .operation = "getTokenOwner",
                .auth = http::Auth::kGuestToo,
                .workers = kOnClientReader},
               std::bind_front(&AccountEndpoints::get_whoami, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/account/password"),
                .operation = "changePassword",
                .auth = http::Auth::kOptional,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&AccountEndpoints::post_password, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/account/deactivate"),
                .operation = "deactivateAccount",
                .auth = http::Auth::kAccessToken,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&AccountEndpoints::post_deactivate, this));
}

Task<http::Response> AccountEndpoints::get_whoami(http::Request request) {
    const auto& requester = request.auth();
    boost::json::object document{{"user_id", requester.user_id}, {"is_guest", requester.is_guest}};
    if (!requester.device_id.empty()) document["device_id"] = requester.device_id;
    co_return http::Response::json(document);
}

Task<http::Response> AccountEndpoints::post_password(http::Request request) {
    auto body = request.json_body();
    auto new_password = required_string(body, "new_password");
    accounts_.check_new_password(new_password);
    const auto others = optional_bool(body, "logout_devices").value_or(true)
                            ? handlers::Accounts::OtherSessions::kLogOut
                            : handlers::Accounts::OtherSessions::kKeep;
    auto flows = request.requester ? password_flow() : handlers::AuthFlows{};
    if (third_party_ids_.email_enabled()) flows.push_back({std::string{handlers::auth_stage::kEmail}});
    if (flows.empty()) throw core::MatrixError::missing_token();
    const auto proof = co_await interactive_auth_.require(handlers::operation_of(request, std::move(body)),
                                                          std::move(flows));
    const auto email = proof.email();
    const auto user_id = co_await user_of(proof);
    if (request.requester && request.auth().user_id != user_id) {
        throw core::MatrixError::forbidden("This is not your account");
    }
    if (request.requester) {
        co_await accounts_.change_password(request.auth(), std::move(new_password), others);
    } else {
        co_await accounts_.reset_password(user_id, std::move(new_password), others);
    }
    if (email) co_await third_party_ids_.finish(email->session_id);
    co_return http::Response::empty_object();
}

/// Whose password or e-mail address was proven.
Task<std::string> AccountEndpoints::user_of(const handlers::AuthProof& proof) {
    if (const auto password = proof.stages.find(std::string{handlers::auth_stage::kPassword});
        password != proof.stages.end()) {
        co_return password->second;
    }
    const auto email = proof.email();
    auto owner = email ? co_await third_party_ids_.owner_of(email->medium, email->address) : std::nullopt;
    if (!owner) throw core::MatrixError{404, "M_NOT_FOUND", "The address belongs to no account"};
    co_return std::move(*owner);
}

Task<http::Response> AccountEndpoints::post_deactivate(http::Request request) {
    auto body = request.json_body(true);
    const auto erase =
        optional_bool(body, "erase").value_or(false) ? handlers::Erase::kErase : handlers::Erase::kKeep;
    auto id_server = optional_id_server(body);
    co_await interactive_auth_.require(handlers::operation_of(request, std::move(body)), password_flow());
    const auto unbound = co_await accounts_.deactivate(request.auth().user_id, erase, std::move(id_server));
    co_return http::Response::json(unbind_result(unbound));
}

}  // namespace weft::rest
