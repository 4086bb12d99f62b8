#pragma once

#include <string>

#include "weft/core/task.hpp"
#include "weft/handlers/admin/registration_tokens.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// What of the admin API is about the whole server: its version, and tokens that allow registration.
class AdminServerEndpoints {
public:
    AdminServerEndpoints(handlers::RegistrationTokens& tokens, std::string version)
        : tokens_{tokens}, version_{std::move(version)} {}
    void register_on(http::Router& router);

private:
    using Function = Task<http::Response> (AdminServerEndpoints::*)(http::Request);
    void add(http::Router& router, http::Method method, std::string tail, std::string operation,
             Function function);

    Task<http::Response> get_version(http::Request request);
    Task<http::Response> get_tokens(http::Request request);
    Task<http::Response> post_token(http::Request request);
    Task<http::Response> get_token(http::Request request);
    Task<http::Response> put_token(http::Request request);
    Task<http::Response> delete_token(http::Request request);

    handlers::RegistrationTokens& tokens_;
    std::string version_;
};

}  // namespace weft::rest
