#include "weft/handlers/user_data/account_data.hpp"

#include <fmt/format.h>

#include "user_data/user_names.hpp"
#include "weft/core/errors.hpp"
#include "weft/handlers/user_data/tags.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

constexpr std::string_view kPushRules = "m.push_rules";
constexpr std::string_view kFullyRead = "m.fully_read";
constexpr std::string_view kTag = "m.tag";

void check_settable(const std::string& type) {
    check_name("The type", type);
    if (type == kPushRules || type == kFullyRead || type == kTag) {
        throw core::MatrixError{405, "M_BAD_JSON", fmt::format("Cannot set {} through this API.", type)};
    }
}

}  // namespace

Task<std::string> AccountData::get_global(std::string requester, std::string user_id, std::string type) {
    require_self(requester, user_id);
    check_name("The type", type);
    if (type == kPushRules) {
        const auto rules = co_await push_rules_.ruleset(std::move(user_id));
        co_return proto::to_json(rules->to_json());
    }
    auto content = co_await store_.global_by_type(std::move(user_id), std::move(type));
    if (!content) throw core::MatrixError::not_found("Account data not found.");
    co_return std::move(*content);
}

Task<std::string> AccountData::get_room(std::string requester, std::string user_id, proto::RoomId room_id,
                                        std::string type) {
    require_self(requester, user_id);
    check_name("The type", type);
    if (type == kTag) {
        const auto tags = co_await store_.tags(std::move(user_id));
        if (const auto found = tags->find(room_id.str()); found != tags->end()) {
            co_return tags_content(found->second);
        }
    } else {
        const auto data = co_await store_.room(std::move(user_id), room_id.str());
        if (const auto found = data->find(type); found != data->end()) co_return found->second;
    }
    throw core::MatrixError::not_found("Room account data not found.");
}

Task<void> AccountData::set_global(std::string requester, std::string user_id, std::string type,
                                   boost::json::object content) {
    require_self(requester, user_id);
    check_settable(type);
    co_await store_.set_global(std::move(user_id), std::move(type), proto::to_json(content));
}

Task<void> AccountData::set_room(std::string requester, std::string user_id, proto::RoomId room_id,
                                 std::string type, boost::json::object content) {
    require_self(requester, user_id);
    check_settable(type);
    co_await store_.set_room(std::move(user_id), room_id.str(), std::move(type), proto::to_json(content));
}

}  // namespace weft::handlers
