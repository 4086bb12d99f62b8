#pragma once

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/profiles.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Display names and avatars: /profile.
class ProfileEndpoints {
public:
    ProfileEndpoints(handlers::Profiles& profiles, const core::Config& config)
        : profiles_{profiles}, config_{config} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_profile(http::Request request);
    Task<http::Response> get_field(http::Request request);
    Task<http::Response> put_field(http::Request request);
    Task<http::Response> delete_field(http::Request request);

    handlers::Profiles& profiles_;
    const core::Config& config_;
};

}  // namespace weft::rest
