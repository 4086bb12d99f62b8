#pragma once

#include "weft/core/task.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Logins by way of another service, of which this server has none: /login/sso/redirect and
/// /auth_metadata say so.
class SingleSignOnEndpoints {
public:
    void register_on(http::Router& router);

private:
    Task<http::Response> get_redirect(http::Request request);
    Task<http::Response> get_auth_metadata(http::Request request);
};

}  // namespace weft::rest
