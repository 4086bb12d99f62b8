#include "weft/handlers/user_data/invite_permission.hpp"

#include "weft/proto/json.hpp"

namespace weft::handlers {

Task<bool> blocks_invites(storage::AccountDataStore& account_data, std::string user_id) {
    const auto content = co_await account_data.global_by_type(std::move(user_id), "m.invite_permission_config");
    if (!content) co_return false;
    const auto parsed = proto::parse_json_object(*content);
    co_return parsed && proto::get_string(*parsed, "default_action") == "block";
}

}  // namespace weft::handlers
