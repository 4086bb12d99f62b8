#include "weft/rest/client/single_sign_on.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

void SingleSignOnEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/login/sso/redirect"),
                .operation = "redirectToSSO",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&SingleSignOnEndpoints::get_redirect, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/login/sso/redirect/{idpId}"),
                .operation = "redirectToIdP",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&SingleSignOnEndpoints::get_redirect, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths({"v1"}, "/auth_metadata"),
                .operation = "getAuthMetadata",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&SingleSignOnEndpoints::get_auth_metadata, this));
}

Task<http::Response> SingleSignOnEndpoints::get_redirect(http::Request request) {
    required_query(request, "redirectUrl");
    throw core::MatrixError{404, "M_UNRECOGNIZED", "This server has no single sign-on"};
}

Task<http::Response> SingleSignOnEndpoints::get_auth_metadata(http::Request) {
    throw core::MatrixError{404, "M_UNRECOGNIZED", "This server does not speak OAuth 2.0"};
}

}  // namespace weft::rest
