#pragma once

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/media/media_admin.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Quarantine, deletion and lists of media, in the shapes of Synapse's admin API.
class AdminMediaEndpoints {
public:
    AdminMediaEndpoints(handlers::MediaAdmin& media, const core::Config& config)
        : media_{media}, config_{config} {}
    void register_on(http::Router& router);

private:
    void register_quarantine(http::Router& router);
    void register_deletion(http::Router& router);

    Task<http::Response> quarantine(http::Request request);
    Task<http::Response> unquarantine(http::Request request);
    Task<http::Response> quarantine_room(http::Request request);
    Task<http::Response> quarantine_user(http::Request request);
    Task<http::Response> set_safe(bool is_safe, http::Request request);
    Task<http::Response> list_room(http::Request request);
    Task<http::Response> list_user(http::Request request);
    Task<http::Response> remove(http::Request request);
    Task<http::Response> remove_before(http::Request request);
    Task<http::Response> remove_of_user(http::Request request);
    Task<http::Response> purge_cache(http::Request request);

    handlers::MediaAdmin& media_;
    const core::Config& config_;
};

}  // namespace weft::rest
