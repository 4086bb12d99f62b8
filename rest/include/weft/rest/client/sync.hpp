#pragma once

#include "weft/handlers/sync/sync.hpp"
#include "weft/handlers/sync/sync_filters.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /sync.
class SyncEndpoints {
public:
    SyncEndpoints(handlers::Sync& sync, handlers::SyncFilters& filters) : sync_{sync}, filters_{filters} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_sync(http::Request request);

    handlers::Sync& sync_;
    handlers::SyncFilters& filters_;
};

}  // namespace weft::rest
