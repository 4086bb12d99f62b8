#include "weft/rest/client/room_upgrade.hpp"

#include "client/room_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;

namespace {

std::vector<proto::UserId> additional_creators_in(const json::object& body) {
    std::vector<proto::UserId> out;
    const auto* const list = proto::find(body, "additional_creators");
    if (!list || list->is_null()) return out;
    if (!list->is_array()) throw MatrixError::bad_json("'additional_creators' must be a list of user IDs");
    for (const auto& entry : list->get_array()) {
        const auto* const text = entry.if_string();
        const auto user_id =
            text ? proto::UserId::parse(*text) : core::ParseError{"a user ID must be a string"};
        if (!user_id) throw MatrixError::bad_json(user_id.error().message);
        out.push_back(*user_id);
    }
    return out;
}

}  // namespace

void RoomUpgradeEndpoints::register_on(http::Router& router) {
    router.add(http::Endpoint{.method = http::Method::kPost,
                              .paths = http::client_paths("/rooms/{roomId}/upgrade"),
                              .operation = "upgradeRoom",
                              .auth = http::Auth::kAccessToken,
                              .workers = kOnEventPersister,
                              .affinity = http::Affinity::kRoom,
                              .refused_to_suspended = true},
               std::bind_front(&RoomUpgradeEndpoints::post, this));
}

Task<http::Response> RoomUpgradeEndpoints::post(http::Request request) {
    const auto body = request.json_body();
    const auto version = optional_string(body, "new_version");
    if (!version) throw MatrixError::missing_param("'new_version' is missing");
    const auto replacement = co_await upgrade_.upgrade(actor_of(request), room_id_of(request), *version,
                                                       additional_creators_in(body));
    co_return http::Response::json(json::object{{"replacement_room", replacement.str()}});
}

}  // namespace weft::rest
