#pragma once

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/registration.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// New accounts: /register and what a client asks before.
class RegisterEndpoints {
public:
    RegisterEndpoints(handlers::Registration& registration, const core::Config& config)
        : registration_{registration}, config_{config} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_register(http::Request request);
    Task<http::Response> get_available(http::Request request);
    Task<http::Response> get_token_validity(http::Request request);

    Task<handlers::Registered> register_user(http::Request request, boost::json::object body);

    handlers::Registration& registration_;
    const core::Config& config_;
};

}  // namespace weft::rest
