#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// Users who asked, when they left for good, that what they wrote be kept from those who were not there
/// (erased_users). Caches: is_user_erased.
class ErasedUserStore {
public:
    using Users = std::unordered_set<std::string>;

    explicit ErasedUserStore(StoreContext context);

    /// All of them: few, and asked about with every page of history.
    Task<std::shared_ptr<const Users>> all();
    Task<void> set_erased(std::string user_id, bool erased);

private:
    StoreContext context_;
    core::Cache<std::string, Users> cache_;  // one entry
};

}  // namespace weft::storage
