#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "weft/core/task.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/events_store.hpp"

namespace weft::handlers {

using IgnoredUsers = std::unordered_set<std::string>;

/// Whom the user does not want to hear of (client-server API, "Ignoring Users"); never themselves. From
/// memory.
Task<IgnoredUsers> ignored_users(storage::AccountDataStore& account_data, std::string user_id);

/// Takes out what ignored users said; what they did to a room's state stays.
void remove_ignored(std::vector<storage::StoredEventPtr>& events, const IgnoredUsers& ignored);

}  // namespace weft::handlers
