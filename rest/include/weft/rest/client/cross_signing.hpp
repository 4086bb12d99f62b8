#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/accounts/interactive_auth.hpp"
#include "weft/handlers/e2e/cross_signing.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Cross-signing: /keys/device_signing/upload, /keys/signatures/upload.
class CrossSigningEndpoints {
public:
    CrossSigningEndpoints(handlers::CrossSigning& cross_signing, handlers::InteractiveAuth& interactive_auth)
        : cross_signing_{cross_signing}, interactive_auth_{interactive_auth} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_keys(http::Request request);
    Task<http::Response> post_signatures(http::Request request);

    handlers::CrossSigning& cross_signing_;
    handlers::InteractiveAuth& interactive_auth_;
};

}  // namespace weft::rest
