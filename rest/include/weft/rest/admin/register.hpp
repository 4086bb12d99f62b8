#pragma once

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/shared_secret_registration.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Accounts made by operators: /_synapse/admin/v1/register.
class AdminRegisterEndpoints {
public:
    AdminRegisterEndpoints(handlers::SharedSecretRegistration& registration, const core::Config& config)
        : registration_{registration}, config_{config} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_nonce(http::Request request);
    Task<http::Response> post_register(http::Request request);

    handlers::SharedSecretRegistration& registration_;
    const core::Config& config_;
};

}  // namespace weft::rest
