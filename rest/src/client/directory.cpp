#include "weft/rest/client/directory.hpp"

#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;

namespace {

constexpr std::string_view kAliasPath = "/directory/room/{roomAlias}";
constexpr std::string_view kVisibilityPath = "/directory/list/room/{roomId}";

json::array to_array(const std::vector<std::string>& texts) {
    return json::array(texts.begin(), texts.end());
}

/// Writes to the directory happen in one place.
http::Endpoint write(http::Method method, std::string_view path, std::string operation) {
    return {.method = method,
            .paths = http::client_paths(path),
            .operation = std::move(operation),
            .auth = http::Auth::kAccessToken,
            .runs_at = http::RunsAt::kMaster};
}

http::Endpoint read(std::string_view path, std::string operation, http::Auth auth) {
    return {.method = http::Method::kGet,
            .paths = http::client_paths(path),
            .operation = std::move(operation),
            .auth = auth,
            .workers = kOnClientReader};
}

}  // namespace

void DirectoryEndpoints::register_on(http::Router& router) {
    const auto add = [&](http::Endpoint endpoint,
                         Task<http::Response> (DirectoryEndpoints::*function)(http::Request)) {
        router.add(std::move(endpoint), std::bind_front(function, this));
    };
    add(write(http::Method::kPut, kAliasPath, "setRoomAlias"), &DirectoryEndpoints::put_alias);
    add(read(kAliasPath, "getRoomIdByAlias", http::Auth::kNone), &DirectoryEndpoints::get_alias);
    add(write(http::Method::kDelete, kAliasPath, "deleteRoomAlias"), &DirectoryEndpoints::delete_alias);
    add(read("/rooms/{roomId}/aliases", "getLocalAliases", http::Auth::kAccessToken),
        &DirectoryEndpoints::get_aliases_of_room);
    add(read(kVisibilityPath, "getRoomVisibilityOnDirectory", http::Auth::kNone),
        &DirectoryEndpoints::get_visibility);
    add(write(http::Method::kPut, kVisibilityPath, "setRoomVisibilityOnDirectory"),
        &DirectoryEndpoints::put_visibility);
}

Task<http::Response> DirectoryEndpoints::put_alias(http::Request request) {
    const auto alias = room_alias_of(request);
    const auto text = optional_string(request.json_body(), "room_id");
    if (!text) throw MatrixError::missing_param("'room_id' is missing");
    const auto room_id = proto::RoomId::parse(*text);
    if (!room_id) throw MatrixError::invalid_param(room_id.error().message);
    co_await directory_.create(actor_of(request), alias, *room_id);
    co_return http::Response::empty_object();
}

Task<http::Response> DirectoryEndpoints::get_alias(http::Request request) {
    const auto resolved = co_await directory_.resolve(room_alias_of(request));
    json::object out{{"room_id", resolved.room_id.str()}, {"servers", to_array(resolved.servers)}};
    co_return http::Response::json(out);
}

Task<http::Response> DirectoryEndpoints::delete_alias(http::Request request) {
    co_await directory_.remove(actor_of(request), room_alias_of(request));
    co_return http::Response::empty_object();
}

Task<http::Response> DirectoryEndpoints::get_aliases_of_room(http::Request request) {
    const auto aliases = co_await directory_.aliases(actor_of(request), room_id_of(request));
    co_return http::Response::json(json::object{{"aliases", to_array(aliases)}});
}

Task<http::Response> DirectoryEndpoints::get_visibility(http::Request request) {
    const bool published = co_await directory_.is_published(room_id_of(request));
    co_return http::Response::json(json::object{{"visibility", published ? "public" : "private"}});
}

Task<http::Response> DirectoryEndpoints::put_visibility(http::Request request) {
    const auto visibility = optional_string(request.json_body(true), "visibility").value_or("public");
    if (visibility != "public" && visibility != "private") {
        throw MatrixError::invalid_param("'visibility' must be public or private");
    }
    co_await directory_.publish(actor_of(request), room_id_of(request), visibility == "public");
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
