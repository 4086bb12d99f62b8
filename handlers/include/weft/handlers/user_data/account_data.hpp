#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "weft/core/task.hpp"
#include "weft/handlers/push_actions.hpp"
#include "weft/proto/ids.hpp"
#include "weft/storage/account_data_store.hpp"

namespace weft::handlers {

/// Account data of users, global and by room (client-server API, "Client Config"), and what the server keeps
/// among it: m.push_rules, m.fully_read and m.tag can be read here, but are set through APIs of their own.
/// All throw MatrixError: M_FORBIDDEN for another user's, M_INVALID_PARAM for a type that cannot be one.
class AccountData {
public:
    AccountData(storage::AccountDataStore& store, PushActions& push_rules)
        : store_{store}, push_rules_{push_rules} {}

    /// The content as JSON text. Throws M_NOT_FOUND if there is none.
    Task<std::string> get_global(std::string requester, std::string user_id, std::string type);
    Task<std::string> get_room(std::string requester, std::string user_id, proto::RoomId room_id,
                               std::string type);
    /// Throws 405 M_BAD_JSON for a type that the server controls.
    Task<void> set_global(std::string requester, std::string user_id, std::string type,
                          boost::json::object content);
    Task<void> set_room(std::string requester, std::string user_id, proto::RoomId room_id, std::string type,
                        boost::json::object content);

private:
    storage::AccountDataStore& store_;
    PushActions& push_rules_;
};

}  // namespace weft::handlers
