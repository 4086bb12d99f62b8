#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// Sync filters of local users, by localpart. A filter never changes, so its cache is never invalidated.
class FilterStore {
public:
    explicit FilterStore(StoreContext context);

    /// `filter_json` is canonical JSON; the same filter gets the same ID.
    Task<std::int64_t> add(std::string localpart, std::string filter_json);
    /// The filter's JSON, or null. Cached.
    Task<std::shared_ptr<const std::string>> get(std::string localpart, std::int64_t filter_id);

private:
    StoreContext context_;
    core::Cache<KeyPair, std::optional<std::string>, KeyPairHash> filters_;
};

}  // namespace weft::storage
