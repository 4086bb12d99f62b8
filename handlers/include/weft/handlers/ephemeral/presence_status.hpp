#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "weft/handlers/ephemeral/presence.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Presence that clients ask for and set themselves (client-server API, "Presence").
class PresenceStatus {
public:
    PresenceStatus(Presence& presence, storage::StateStore& states) : presence_{presence}, states_{states} {}

    /// Content of the user's m.presence event; offline if nothing is known. Throws MatrixError:
    /// M_INVALID_PARAM for what is no user ID, M_FORBIDDEN for somebody who shares no room with the
    /// requester.
    Task<boost::json::object> get(std::string requester, std::string user_id);
    /// Without a message the present one is removed. Throws MatrixError: M_FORBIDDEN for another user,
    /// M_INVALID_PARAM for an unknown state.
    Task<void> put(std::string requester, std::string user_id, std::string state,
                   std::optional<std::string> status_msg);

private:
    Presence& presence_;
    storage::StateStore& states_;
};

/// online, unavailable, offline.
inline bool is_presence_state(const std::string& state) {
    return state == "online" || state == "unavailable" || state == "offline";
}

}  // namespace weft::handlers
