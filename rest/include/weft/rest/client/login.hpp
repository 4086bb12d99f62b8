#pragma once

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/interactive_auth.hpp"
#include "weft/handlers/accounts/login.hpp"
#include "weft/handlers/accounts/sessions.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Sessions: /login, /login/get_token, /refresh, /logout, /logout/all.
class LoginEndpoints {
public:
    LoginEndpoints(handlers::Login& login, handlers::LoginTokens& login_tokens, handlers::Sessions& sessions,
                   handlers::ThirdPartyIds& third_party_ids, handlers::InteractiveAuth& interactive_auth,
                   const core::Config& config)
        : login_{login},
          login_tokens_{login_tokens},
          sessions_{sessions},
          third_party_ids_{third_party_ids},
          interactive_auth_{interactive_auth},
          config_{config} {}
    void register_on(http::Router& router);

private:
    Task<handlers::Session> by_type(http::Request request, boost::json::object body);
    Task<http::Response> get_login(http::Request request);
    Task<http::Response> post_login(http::Request request);
    Task<http::Response> post_get_token(http::Request request);
    Task<http::Response> post_refresh(http::Request request);
    Task<http::Response> post_logout(http::Request request);
    Task<http::Response> post_logout_all(http::Request request);

    handlers::Login& login_;
    handlers::LoginTokens& login_tokens_;
    handlers::Sessions& sessions_;
    handlers::ThirdPartyIds& third_party_ids_;
    handlers::InteractiveAuth& interactive_auth_;
    const core::Config& config_;
};

}  // namespace weft::rest
