#include "weft/handlers/ephemeral/presence_status.hpp"

#include "weft/core/errors.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {

Task<boost::json::object> PresenceStatus::get(std::string requester, std::string user_id) {
    if (!proto::UserId::is_valid(user_id)) throw core::MatrixError::invalid_param("Invalid user ID");
    if (!co_await states_.share_room(std::move(requester), user_id)) {
        throw core::MatrixError::forbidden("You are not allowed to see their presence");
    }
    std::vector<std::string> users{user_id};
    const auto known = co_await presence_.states(std::move(users));
    if (!known.empty()) co_return presence_.content(known.front());
    storage::PresenceState offline;
    offline.user_id = std::move(user_id);
    co_return presence_.content(offline);
}

Task<void> PresenceStatus::put(std::string requester, std::string user_id, std::string state,
                               std::optional<std::string> status_msg) {
    if (requester != user_id) throw core::MatrixError::forbidden("Cannot set the presence of another user");
    if (!is_presence_state(state)) throw core::MatrixError::invalid_param("Invalid presence state");
    co_await presence_.set_state(std::move(user_id), std::move(state), std::move(status_msg), false);
}

}  // namespace weft::handlers
