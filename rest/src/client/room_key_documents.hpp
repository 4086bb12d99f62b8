#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "weft/handlers/e2e/room_key_backup.hpp"

/// Backed-up keys as JSON: one key, `{sessions: …}` of a room, or `{rooms: …}`, as the path selects.
namespace weft::rest {

/// Throws MatrixError: M_MISSING_PARAM, M_BAD_JSON, M_INVALID_PARAM for an ID that cannot be one.
std::vector<storage::RoomKey> parse_room_keys(const boost::json::object& body,
                                              const storage::RoomKeySelection& selection);
/// The text of what was selected; for a single key there must be one.
std::string room_keys_document(const std::vector<storage::RoomKey>& keys,
                               const storage::RoomKeySelection& selection);
std::string backup_version_document(const storage::RoomKeyBackupVersion& version);

}  // namespace weft::rest
