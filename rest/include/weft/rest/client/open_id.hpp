#pragma once

#include "weft/handlers/accounts/open_id.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// POST /user/{userId}/openid/request_token, and its other end, GET /_matrix/federation/v1/openid/userinfo.
class OpenIdEndpoints {
public:
    explicit OpenIdEndpoints(handlers::OpenId& open_id) : open_id_{open_id} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_request_token(http::Request request);
    Task<http::Response> get_user_info(http::Request request);

    handlers::OpenId& open_id_;
};

}  // namespace weft::rest
