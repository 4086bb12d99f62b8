#include "weft/rest/admin/rooms.hpp"

#include <functional>

#include <boost/json/array.hpp>

#include "admin/admin_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

using core::MatrixError;
namespace json = boost::json;

namespace {

/// A room is deleted at most this long while a client waits for it.
constexpr std::int64_t kDeletionTimeoutMs = 0;

std::string delete_status(const storage::AdminTask& task) {
    if (task.status == "active") return "shutting_down";
    return task.status;
}

/// What of a task's progress is for others to see.
json::object shutdown_document(const storage::AdminTask& task) {
    json::object out{{"delete_id", task.task_id}, {"status", delete_status(task)}};
    if (task.error) out["error"] = *task.error;
    const auto progress = proto::parse_json_object(task.progress);
    json::object room;
    for (const auto* key : {"kicked_users", "failed_to_kick_users", "local_aliases", "new_room_id"}) {
        const auto* value = progress ? proto::find(*progress, key) : nullptr;
        if (value) room[key] = *value;
    }
    out["shutdown_room"] = std::move(room);
    return out;
}

bool is_deletion(const storage::AdminTask& task) {
    return task.action == handlers::RoomRemoval::kShutdownAction;
}

}  // namespace

void AdminRoomEndpoints::add(http::Router& router, http::Method method, std::vector<std::string> tails,
                             std::string operation, Function function) {
    auto endpoint = admin_endpoint(method, std::move(tails), std::move(operation));
    if (method == http::Method::kDelete) endpoint.timeout_ms = kDeletionTimeoutMs;
    router.add(std::move(endpoint), std::bind_front(function, this));
}

void AdminRoomEndpoints::register_on(http::Router& router) {
    using http::Method;
    using E = AdminRoomEndpoints;
    add(router, Method::kGet, {"/v1/rooms"}, "admin_list_rooms", &E::get_rooms);
    add(router, Method::kGet, {"/v1/rooms/{room_id}"}, "admin_get_room", &E::get_room);
    add(router, Method::kGet, {"/v1/rooms/{room_id}/members"}, "admin_room_members", &E::get_members);
    add(router, Method::kGet, {"/v1/rooms/{room_id}/state"}, "admin_room_state", &E::get_state);
    add(router, Method::kDelete, {"/v1/rooms/{room_id}"}, "admin_delete_room", &E::delete_room);
    add(router, Method::kDelete, {"/v2/rooms/{room_id}"}, "admin_start_delete_room", &E::start_delete_room);
    add(router, Method::kGet, {"/v2/rooms/delete_status/{delete_id}"}, "admin_delete_status",
        &E::get_delete_status);
    add(router, Method::kGet, {"/v2/rooms/{room_id}/delete_status"}, "admin_room_delete_status",
        &E::get_delete_status_of_room);
    add(router, Method::kGet, {"/v1/rooms/{room_id}/block"}, "admin_is_room_blocked", &E::get_block);
    add(router, Method::kPut, {"/v1/rooms/{room_id}/block"}, "admin_block_room", &E::put_block);
    add(router, Method::kPost, {"/v1/rooms/{room_id}/make_room_admin"}, "admin_make_room_admin",
        &E::post_make_admin);
    add(router, Method::kPost, {"/v1/join/{roomIdOrAlias}"}, "admin_join_room", &E::post_join);
    add(router, Method::kPost, {"/v1/purge_history/{room_id}"}, "admin_purge_history",
        &E::post_purge_history);
    add(router, Method::kPost, {"/v1/purge_history/{room_id}/{event_id}"}, "admin_purge_history_to_event",
        &E::post_purge_history_to_event);
    add(router, Method::kGet, {"/v1/purge_history_status/{purge_id}"}, "admin_purge_history_status",
        &E::get_purge_status);
}

Task<http::Response> AdminRoomEndpoints::get_rooms(http::Request request) {
    const auto page = page_params(request, storage::AdminRoomStore::room_orders());
    storage::RoomPageQuery query;
    query.from = page.from;
    query.limit = page.limit;
    query.backwards = page.backwards;
    query.order_by = page.order_by;
    query.search = text_param(request, "search_term");
    co_return http::Response::json(co_await rooms_.list(std::move(query)));
}

Task<http::Response> AdminRoomEndpoints::get_room(http::Request request) {
    co_return http::Response::json(co_await rooms_.details(admin_room_id(request).str()));
}

Task<http::Response> AdminRoomEndpoints::get_members(http::Request request) {
    co_return http::Response::json(co_await rooms_.members(admin_room_id(request).str()));
}

Task<http::Response> AdminRoomEndpoints::get_state(http::Request request) {
    auto text = co_await rooms_.state(admin_room_id(request).str(), request.auth().user_id);
    co_return http::Response::raw_json(std::move(text));
}

Task<handlers::RoomRemovalRequest> AdminRoomEndpoints::removal_in(const http::Request& request) {
    const auto body = request.json_body(true);
    handlers::RoomRemovalRequest wish;
    wish.room_id = admin_room_id(request).str();
    wish.requested_by = request.auth().user_id;
    wish.new_room_user_id = optional_string(body, "new_room_user_id");
    if (auto name = optional_string(body, "room_name")) wish.room_name = std::move(*name);
    if (auto message = optional_string(body, "message")) wish.message = std::move(*message);
    wish.block = optional_bool(body, "block").value_or(false);
    wish.purge = optional_bool(body, "purge").value_or(true);
    if (wish.new_room_user_id && !proto::UserId::parse(*wish.new_room_user_id)) {
        throw MatrixError::invalid_param("new_room_user_id must be a user ID");
    }
    // A room that is not known can be blocked all the same.
    if (!wish.block) co_await rooms_.require_room(wish.room_id);
    co_return wish;
}

Task<http::Response> AdminRoomEndpoints::delete_room(http::Request request) {
    auto wish = co_await removal_in(request);
    auto done = co_await removal_.perform(std::move(wish));
    done.erase("was_blocked");
    co_return http::Response::json(done);
}

Task<http::Response> AdminRoomEndpoints::start_delete_room(http::Request request) {
    auto wish = co_await removal_in(request);
    const auto id = co_await removal_.start(std::move(wish));
    co_return http::Response::json(json::object{{"delete_id", id}});
}

Task<http::Response> AdminRoomEndpoints::get_delete_status(http::Request request) {
    const auto task = co_await tasks_.get(request.param("delete_id"));
    if (!task || !is_deletion(*task)) throw MatrixError::not_found("delete id not found");
    auto out = shutdown_document(*task);
    out.erase("delete_id");
    co_return http::Response::json(out);
}

Task<http::Response> AdminRoomEndpoints::get_delete_status_of_room(http::Request request) {
    json::array results;
    const auto room_id = admin_room_id(request).str();
    for (const auto& task : co_await tasks_.of_subject(handlers::RoomRemoval::kShutdownAction, room_id)) {
        results.push_back(shutdown_document(task));
    }
    if (results.empty()) throw MatrixError::not_found("No delete task for this room");
    co_return http::Response::json(json::object{{"results", std::move(results)}});
}

Task<http::Response> AdminRoomEndpoints::get_block(http::Request request) {
    co_return http::Response::json(co_await rooms_.block_status(admin_room_id(request).str()));
}

Task<http::Response> AdminRoomEndpoints::put_block(http::Request request) {
    const auto block = optional_bool(request.json_body(), "block");
    if (!block) throw MatrixError::missing_param("'block' is missing");
    co_await rooms_.set_blocked(admin_room_id(request).str(), request.auth().user_id, *block);
    co_return http::Response::json(json::object{{"block", *block}});
}

Task<http::Response> AdminRoomEndpoints::post_make_admin(http::Request request) {
    const auto body = request.json_body(true);
    auto user_id = actor_of(request).user_id;
    if (body.contains("user_id")) user_id = user_id_in(body);
    co_await rooms_.make_admin(admin_room_id(request), std::move(user_id));
    co_return http::Response::empty_object();
}

Task<http::Response> AdminRoomEndpoints::post_join(http::Request request) {
    auto user_id = user_id_in(request.json_body());
    auto room_id = co_await directory_.room_of(request.param("roomIdOrAlias"));
    co_await rooms_.join(room_id, std::move(user_id), actor_of(request));
    co_return http::Response::json(json::object{{"room_id", room_id.str()}});
}

Task<http::Response> AdminRoomEndpoints::post_purge_history(http::Request request) {
    return start_purge(std::move(request), std::nullopt);
}

Task<http::Response> AdminRoomEndpoints::post_purge_history_to_event(http::Request request) {
    auto event_id = request.param("event_id");
    return start_purge(std::move(request), std::move(event_id));
}

Task<http::Response> AdminRoomEndpoints::start_purge(http::Request request,
                                                     std::optional<std::string> event_id) {
    const auto body = request.json_body(true);
    if (!event_id) event_id = optional_string(body, "purge_up_to_event_id");
    const auto time_ms = optional_integer(body, "purge_up_to_ts");
    handlers::HistoryPurgeRequest wish;
    wish.room_id = admin_room_id(request).str();
    wish.with_local = optional_bool(body, "delete_local_events").value_or(false);
    wish.depth = co_await rooms_.depth_of(wish.room_id, std::move(event_id), time_ms);
    const auto id = co_await removal_.start_history_purge(std::move(wish));
    co_return http::Response::json(json::object{{"purge_id", id}});
}

Task<http::Response> AdminRoomEndpoints::get_purge_status(http::Request request) {
    const auto task = co_await tasks_.get(request.param("purge_id"));
    if (!task || task->action != handlers::RoomRemoval::kPurgeHistoryAction) {
        throw MatrixError::not_found("purge id not found");
    }
    json::object out{{"status", task->status}};
    if (task->error) out["error"] = *task->error;
    co_return http::Response::json(out);
}

}  // namespace weft::rest
