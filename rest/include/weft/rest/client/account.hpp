#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/accounts/accounts.hpp"
#include "weft/handlers/accounts/interactive_auth.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// The account one has: /account/whoami, /account/password, /account/deactivate.
class AccountEndpoints {
public:
    AccountEndpoints(handlers::Accounts& accounts, handlers::ThirdPartyIds& third_party_ids,
                     handlers::InteractiveAuth& interactive_auth)
        : accounts_{accounts}, third_party_ids_{third_party_ids}, interactive_auth_{interactive_auth} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_whoami(http::Request request);
    Task<http::Response> post_password(http::Request request);
    Task<std::string> user_of(const handlers::AuthProof& proof);
    Task<http::Response> post_deactivate(http::Request request);

    handlers::Accounts& accounts_;
    handlers::ThirdPartyIds& third_party_ids_;
    handlers::InteractiveAuth& interactive_auth_;
};

}  // namespace weft::rest
