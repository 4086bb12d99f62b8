#pragma once

#include <memory>
#include <string>

#include "weft/core/cache.hpp"
#include "weft/proto/filter.hpp"
#include "weft/storage/filter_store.hpp"

namespace weft::handlers {

/// The `filter` parameter of /sync: JSON, or the ID of a stored filter. Parsed once and kept.
class SyncFilters {
public:
    SyncFilters(storage::FilterStore& filters, asio::any_io_executor executor);

    using FilterPtr = std::shared_ptr<const proto::FilterDefinition>;
    /// An empty text is the default filter. Throws M_INVALID_PARAM for an unknown ID, M_BAD_JSON for what is no filter.
    Task<FilterPtr> find(std::string user_id, std::string text);

private:
    storage::FilterStore& filters_;
    FilterPtr default_;
    core::Cache<std::string, proto::FilterDefinition> parsed_;  // by JSON text, or by user and ID
};

}  // namespace weft::handlers
