#pragma once

#include <string>

#include "weft/core/task.hpp"
#include "weft/storage/account_data_store.hpp"

namespace weft::handlers {

/// Whether the user refuses all invites (client-server API, "Invite permission"). From memory.
Task<bool> blocks_invites(storage::AccountDataStore& account_data, std::string user_id);

}  // namespace weft::handlers
