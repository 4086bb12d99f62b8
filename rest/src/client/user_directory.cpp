#include "weft/rest/client/user_directory.hpp"

#include <algorithm>

#include "client/room_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/crypto.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;

namespace {

constexpr std::int64_t kLimitDefault = 10;
constexpr std::int64_t kLimitMax = 50;

std::size_t limit_of(const json::object& body) {
    const auto* const value = proto::find(body, "limit");
    if (!value || value->is_null()) return kLimitDefault;
    const auto limit = proto::as_int(*value);
    if (!limit) throw MatrixError::bad_json("'limit' must be an integer");
    if (*limit < 0) throw MatrixError::invalid_param("'limit' must not be negative");
    return static_cast<std::size_t>(std::min(*limit, kLimitMax));
}

/// The room after which the list goes on.
std::string room_in_token(std::string_view text) {
    const auto decoded = proto::base64_url_decode(text);
    if (!decoded || !proto::RoomId::parse(*decoded))
        throw MatrixError::invalid_param("from: not a token of this server");
    return *decoded;
}

}  // namespace

void UserDirectoryEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/user_directory/search"),
                .operation = "searchUserDirectory",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&UserDirectoryEndpoints::post_search, this));
    router.add({.method = http::Method::kGet,
                .paths = {"/_matrix/client/v1/mutual_rooms",
                          "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms"},
                .operation = "getMutualRooms",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&UserDirectoryEndpoints::get_mutual_rooms, this));
}

Task<http::Response> UserDirectoryEndpoints::post_search(http::Request request) {
    const auto body = request.json_body();
    auto term = required_string(body, "search_term");
    const auto limit = limit_of(body);
    const auto found = co_await directory_.search(request.auth().user_id, std::move(term), limit);
    json::array results;
    for (const auto& user : found.users) {
        json::object result{{"user_id", user.user_id}};
        if (user.display_name) result["display_name"] = *user.display_name;
        if (user.avatar_url) result["avatar_url"] = *user.avatar_url;
        results.push_back(std::move(result));
    }
    co_return http::Response::json(json::object{{"results", std::move(results)}, {"limited", found.limited}});
}

Task<http::Response> UserDirectoryEndpoints::get_mutual_rooms(http::Request request) {
    const auto text = request.query_param("user_id");
    if (!text) throw MatrixError::missing_param("user_id: missing");
    const auto other = proto::UserId::parse(*text);
    if (!other) throw MatrixError::invalid_param(other.error().message);
    if (other->str() == request.auth().user_id) throw MatrixError::invalid_param("user_id: your own");
    std::string after;
    if (const auto from = request.query_param("from")) after = room_in_token(*from);
    const auto mutual =
        co_await directory_.mutual_rooms(request.auth().user_id, other->str(), std::move(after));
    json::array joined;
    for (const auto& room_id : mutual.rooms) joined.emplace_back(room_id);
    json::object out{{"joined", std::move(joined)}, {"count", mutual.count}};
    if (mutual.next) out["next_batch"] = proto::base64_url_encode(*mutual.next);
    co_return http::Response::json(out);
}

}  // namespace weft::rest
