#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// A version of a user's key backup.
struct RoomKeyBackupVersion {
    std::int64_t version = 0;
    std::string algorithm;
    std::string auth_data;   // JSON
    std::int64_t etag = 0;   // grows with each change of the keys
    std::int64_t count = 0;  // keys in it
};

/// A backed-up key of a Megolm session.
struct RoomKey {
    std::string room_id;
    std::string session_id;
    std::int64_t first_message_index = 0;  // these two fit 32 bits
    std::int64_t forwarded_count = 0;
    bool is_verified = false;
    std::string session_data;  // JSON
};

/// Which keys of a backup: all, those of a room, or one.
struct RoomKeySelection {
    std::optional<std::string> room_id;
    std::optional<std::string> session_id;
};

/// What a backup holds after a change.
struct RoomKeyBackupState {
    std::int64_t etag = 0;
    std::int64_t count = 0;
};

/// Outcome of adding keys.
struct RoomKeysPut {
    std::optional<std::int64_t> current_version;  // none: the user has no backup
    bool version_exists = false;
    RoomKeyBackupState state;  // only if the version is the current one; else nothing was stored
};

/// Server-side backups of room keys, encrypted by the clients.
class RoomKeyStore {
public:
    explicit RoomKeyStore(StoreContext context) : context_{std::move(context)} {}

    Task<std::int64_t> create_version(std::string user_id, std::string algorithm, std::string auth_data);
    /// The version, or the newest one; nothing if there is none or it was deleted.
    Task<std::optional<RoomKeyBackupVersion>> version(std::string user_id,
                                                      std::optional<std::int64_t> version);
    /// False if there is no such version.
    Task<bool> set_auth_data(std::string user_id, std::int64_t version, std::string auth_data);
    /// With its keys. False if there never was such a version.
    Task<bool> delete_version(std::string user_id, std::int64_t version);

    /// Adds keys to the newest version. Of two keys of a session the better one is kept: the one that is
    /// verified, else that of the earlier message, else the one that was forwarded less often.
    Task<RoomKeysPut> put_keys(std::string user_id, std::int64_t version, std::vector<RoomKey> keys);
    /// Ordered by room and session.
    Task<std::vector<RoomKey>> keys(std::string user_id, std::int64_t version, RoomKeySelection selection);
    /// Nothing if there is no such version.
    Task<std::optional<RoomKeyBackupState>> delete_keys(std::string user_id, std::int64_t version,
                                                        RoomKeySelection selection);

private:
    StoreContext context_;
};

}  // namespace weft::storage
