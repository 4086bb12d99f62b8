#pragma once

#include <optional>
#include <string>

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// What the server is and can do: /versions, /capabilities, /.well-known/matrix/client, support and policy_server. The
/// answers are made once.
class ServerInfoEndpoints {
public:
    explicit ServerInfoEndpoints(const core::Config& config);
    void register_on(http::Router& router);

private:
    Task<http::Response> get_versions(http::Request request);
    Task<http::Response> get_capabilities(http::Request request);
    Task<http::Response> get_well_known(http::Request request);
    Task<http::Response> get_support(http::Request request);
    Task<http::Response> get_policy_server(http::Request request);

    std::string versions_;
    std::string capabilities_;
    std::string capabilities_of_admins_;
    std::optional<std::string> well_known_;
    std::optional<std::string> support_;
};

}  // namespace weft::rest
