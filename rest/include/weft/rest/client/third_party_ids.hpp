#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/accounts/identity_bindings.hpp"
#include "weft/handlers/accounts/interactive_auth.hpp"
#include "weft/handlers/accounts/third_party_ids.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// E-mail addresses of accounts: /account/3pid and below, the requestToken endpoints, and the page that the
/// links in e-mails show. Telephone numbers are refused: nothing here sends SMS.
class ThirdPartyIdEndpoints {
public:
    ThirdPartyIdEndpoints(handlers::ThirdPartyIds& ids, handlers::IdentityBindings& bindings,
                          handlers::InteractiveAuth& interactive_auth)
        : ids_{ids}, bindings_{bindings}, interactive_auth_{interactive_auth} {}
    void register_on(http::Router& router);

private:
    void register_token_requests(http::Router& router);

    Task<http::Response> get_list(http::Request request);
    Task<http::Response> post_old_add(http::Request request);
    Task<http::Response> post_add(http::Request request);
    Task<http::Response> post_bind(http::Request request);
    Task<http::Response> post_delete(http::Request request);
    Task<http::Response> post_unbind(http::Request request);
    Task<http::Response> post_email_token(handlers::EmailPurpose purpose, http::Request request);
    Task<http::Response> post_msisdn_token(http::Request request);
    Task<http::Response> get_submit_token(http::Request request);
    Task<http::Response> post_submit_token(http::Request request);

    handlers::ThirdPartyIds& ids_;
    handlers::IdentityBindings& bindings_;
    handlers::InteractiveAuth& interactive_auth_;
};

}  // namespace weft::rest
