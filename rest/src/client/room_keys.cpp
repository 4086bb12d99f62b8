#include "weft/rest/client/room_keys.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "client/room_key_documents.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

constexpr std::size_t kBodyBytesMax = 16 * 1024 * 1024;

std::vector<std::string> paths(std::string_view tail) {
    return http::client_paths({"r0", "v3", "unstable"}, "/room_keys" + std::string{tail});
}

/// `algorithm` and `auth_data` of a body.
struct BackupBody {
    std::string algorithm;
    boost::json::object auth_data;

    explicit BackupBody(const boost::json::object& body) : algorithm{required_string(body, "algorithm")} {
        if (!body.contains("auth_data")) throw MatrixError::missing_param("'auth_data' is missing");
        auth_data = optional_object(body, "auth_data");
    }
};

/// Which keys the path names.
storage::RoomKeySelection selection_of(const http::Request& request) {
    storage::RoomKeySelection selection;
    const auto take = [&](std::string_view name, std::optional<std::string>& into) {
        const auto found = request.path_params.find(name);
        if (found == request.path_params.end()) return;
        if (found->second.find('\0') != std::string::npos)
            throw MatrixError::invalid_param("the path holds NUL");
        into = found->second;
    };
    take("roomId", selection.room_id);
    take("sessionId", selection.session_id);
    return selection;
}

http::Response state_response(const storage::RoomKeyBackupState& state) {
    return http::Response::json(
        boost::json::object{{"etag", std::to_string(state.etag)}, {"count", state.count}});
}

}  // namespace

void RoomKeysEndpoints::register_on(http::Router& router) {
    register_versions(router);
    register_keys(router);
}

void RoomKeysEndpoints::register_versions(http::Router& router) {
    using std::bind_front;
    const auto write = [&](http::Method method, std::string_view tail, std::string operation, auto handler) {
        router.add({.method = method,
                    .paths = paths(tail),
                    .operation = std::move(operation),
                    .runs_at = http::RunsAt::kMaster},
                   bind_front(handler, this));
    };
    const auto read = [&](std::string_view tail, std::string operation) {
        router.add({.method = http::Method::kGet,
                    .paths = paths(tail),
                    .operation = std::move(operation),
                    .workers = kOnClientReader},
                   bind_front(&RoomKeysEndpoints::get_version, this));
    };
    write(http::Method::kPost, "/version", "postRoomKeysVersion", &RoomKeysEndpoints::post_version);
    read("/version", "getRoomKeysVersionCurrent");
    read("/version/{version}", "getRoomKeysVersion");
    write(http::Method::kPut, "/version/{version}", "putRoomKeysVersion", &RoomKeysEndpoints::put_version);
    write(http::Method::kDelete, "/version/{version}", "deleteRoomKeysVersion",
          &RoomKeysEndpoints::delete_version);
}

void RoomKeysEndpoints::register_keys(http::Router& router) {
    struct Level {
        std::string_view tail;
        std::string suffix;  // of the operation's name
    };
    const Level levels[] = {
        {"/keys", ""}, {"/keys/{roomId}", "ByRoomId"}, {"/keys/{roomId}/{sessionId}", "BySessionId"}};
    for (const auto& [tail, suffix] : levels) {
        const auto noun = suffix == "BySessionId" ? "RoomKey" + suffix : "RoomKeys" + suffix;
        router.add({.method = http::Method::kPut,
                    .paths = paths(tail),
                    .operation = "put" + noun,
                    .runs_at = http::RunsAt::kMaster,
                    .body_bytes_max = kBodyBytesMax},
                   std::bind_front(&RoomKeysEndpoints::put_keys, this));
        router.add({.method = http::Method::kGet,
                    .paths = paths(tail),
                    .operation = "get" + noun,
                    .workers = kOnClientReader},
                   std::bind_front(&RoomKeysEndpoints::get_keys, this));
        router.add({.method = http::Method::kDelete,
                    .paths = paths(tail),
                    .operation = "delete" + noun,
                    .runs_at = http::RunsAt::kMaster},
                   std::bind_front(&RoomKeysEndpoints::delete_keys, this));
    }
}

Task<http::Response> RoomKeysEndpoints::post_version(http::Request request) {
    BackupBody body{request.json_body()};
    auto version =
        co_await backup_.create(request.auth().user_id, std::move(body.algorithm), std::move(body.auth_data));
    co_return http::Response::json(boost::json::object{{"version", std::move(version)}});
}

Task<http::Response> RoomKeysEndpoints::get_version(http::Request request) {
    std::optional<std::string> wanted;
    if (const auto found = request.path_params.find("version"); found != request.path_params.end())
        wanted = found->second;
    const auto version = co_await backup_.version(request.auth().user_id, std::move(wanted));
    co_return http::Response::raw_json(backup_version_document(version));
}

Task<http::Response> RoomKeysEndpoints::put_version(http::Request request) {
    const auto document = request.json_body();
    BackupBody body{document};
    const auto& version = request.param("version");
    if (optional_string(document, "version").value_or(version) != version)
        throw MatrixError::invalid_param("The version in the body is not the one in the path");
    co_await backup_.update(request.auth().user_id, version, std::move(body.algorithm),
                            std::move(body.auth_data));
    co_return http::Response::empty_object();
}

Task<http::Response> RoomKeysEndpoints::delete_version(http::Request request) {
    co_await backup_.remove(request.auth().user_id, request.param("version"));
    co_return http::Response::empty_object();
}

Task<http::Response> RoomKeysEndpoints::put_keys(http::Request request) {
    auto version = required_query(request, "version");
    auto keys = parse_room_keys(request.json_body(), selection_of(request));
    co_return state_response(
        co_await backup_.put_keys(request.auth().user_id, std::move(version), std::move(keys)));
}

Task<http::Response> RoomKeysEndpoints::get_keys(http::Request request) {
    auto version = required_query(request, "version");
    const auto selection = selection_of(request);
    const auto keys = co_await backup_.keys(request.auth().user_id, std::move(version), selection);
    if (selection.session_id && keys.empty()) throw MatrixError::not_found("Key not found.");
    co_return http::Response::raw_json(room_keys_document(keys, selection));
}

Task<http::Response> RoomKeysEndpoints::delete_keys(http::Request request) {
    auto version = required_query(request, "version");
    auto selection = selection_of(request);
    co_return state_response(
        co_await backup_.delete_keys(request.auth().user_id, std::move(version), std::move(selection)));
}

}  // namespace weft::rest
