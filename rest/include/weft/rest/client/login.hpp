#pragma once

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/login.hpp"
#include "weft/handlers/accounts/sessions.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Sessions: /login, /logout, /logout/all.
class LoginEndpoints {
public:
    LoginEndpoints(handlers::Login& login, handlers::Sessions& sessions, const core::Config& config)
        : login_{login}, sessions_{sessions}, config_{config} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_login(http::Request request);
    Task<http::Response> post_login(http::Request request);
    Task<http::Response> post_logout(http::Request request);
    Task<http::Response> post_logout_all(http::Request request);

    handlers::Login& login_;
    handlers::Sessions& sessions_;
    const core::Config& config_;
};

}  // namespace weft::rest
