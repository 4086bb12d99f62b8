#pragma once

#include <memory>
#include <string>

#include "weft/core/cache.hpp"
#include "weft/handlers/sync/sync.hpp"
#include "weft/http/router.hpp"
#include "weft/storage/filter_store.hpp"

namespace weft::rest {

/// GET /sync.
class SyncEndpoints {
public:
    SyncEndpoints(handlers::Sync& sync, storage::FilterStore& filters);
    void register_on(http::Router& router);

private:
    Task<http::Response> get_sync(http::Request request);
    Task<std::shared_ptr<const proto::FilterDefinition>> filter_of(std::string text, std::string user_id);

    handlers::Sync& sync_;
    storage::FilterStore& filters_;
};

}  // namespace weft::rest
