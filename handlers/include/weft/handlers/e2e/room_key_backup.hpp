#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "weft/core/linearizer.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/room_key_store.hpp"

namespace weft::handlers {

/// Server-side key backups (client-server API, "Server-side key backups"). Changes are made in one process
/// (the master), so that those of a user do not get in each other's way. Unknown versions, and texts that are
/// no version, throw MatrixError M_NOT_FOUND.
class RoomKeyBackup {
public:
    explicit RoomKeyBackup(storage::RoomKeyStore& store) : store_{store} {}

    Task<std::string> create(std::string user_id, std::string algorithm, boost::json::object auth_data);
    /// The newest version if none is named.
    Task<storage::RoomKeyBackupVersion> version(std::string user_id, std::optional<std::string> version);
    /// Only `auth_data` can change. Throws M_INVALID_PARAM for another algorithm.
    Task<void> update(std::string user_id, std::string version, std::string algorithm,
                      boost::json::object auth_data);
    /// Deleting again what was deleted is fine.
    Task<void> remove(std::string user_id, std::string version);

    /// Throws 403 M_WRONG_ROOM_KEYS_VERSION with `current_version` if the version is not the newest.
    Task<storage::RoomKeyBackupState> put_keys(std::string user_id, std::string version,
                                               std::vector<storage::RoomKey> keys);
    /// Ordered by room and session; empty if there are none.
    Task<std::vector<storage::RoomKey>> keys(std::string user_id, std::string version,
                                             storage::RoomKeySelection selection);
    Task<storage::RoomKeyBackupState> delete_keys(std::string user_id, std::string version,
                                                  storage::RoomKeySelection selection);

private:
    storage::RoomKeyStore& store_;
    core::Linearizer changes_{"room_keys"};  // by user
};

}  // namespace weft::handlers
