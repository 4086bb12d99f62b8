#include "weft/rest/admin/media.hpp"

#include <algorithm>
#include <functional>

#include <boost/json/array.hpp>

#include "client/worker_kinds.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {
namespace {

constexpr std::string_view kPrefix = "/_synapse/admin/v1";
/// Synapse refuses times before this: they are seconds that somebody took for milliseconds.
constexpr std::int64_t kMillisecondsMin = 30'000'000'000;

http::Endpoint admin_endpoint(http::Method method, std::vector<std::string> tails, std::string operation) {
    http::Endpoint endpoint;
    endpoint.method = method;
    for (const auto& tail : tails) endpoint.paths.push_back(fmt::format("{}{}", kPrefix, tail));
    endpoint.operation = std::move(operation);
    endpoint.auth = http::Auth::kAdmin;
    endpoint.workers = kOnMedia;
    endpoint.timeout_ms = 600'000;  // deletes many
    return endpoint;
}

std::int64_t not_negative(const http::Request& request, std::string_view name, std::int64_t otherwise) {
    const auto value = request.query_int(name).value_or(otherwise);
    if (value < 0)
        throw core::MatrixError::invalid_param(fmt::format("Query parameter {} must not be negative", name));
    return value;
}

std::int64_t before_ms(const http::Request& request) {
    const auto value = request.query_int("before_ts");
    if (!value) throw core::MatrixError::missing_param("Missing integer query parameter 'before_ts'");
    if (*value < kMillisecondsMin)
        throw core::MatrixError::invalid_param(
            "Query parameter before_ts is in milliseconds, and not so long ago");
    return *value;
}

storage::MediaOrder order_of(const http::Request& request) {
    using enum storage::MediaOrder;
    static const std::map<std::string, storage::MediaOrder, std::less<>> kOrders{
        {"created_ts", kCreated},           {"last_access_ts", kLastAccess}, {"media_id", kMediaId},
        {"media_length", kLength},          {"media_type", kType},           {"upload_name", kUploadName},
        {"quarantined_by", kQuarantinedBy}, {"safe_from_quarantine", kSafe}};
    const auto found = kOrders.find(request.query_param("order_by").value_or("created_ts"));
    if (found == kOrders.end()) throw core::MatrixError::invalid_param("order_by names no column of media");
    return found->second;
}

/// Newest first where nothing is said at all, else as it is said.
storage::MediaDirection direction_of(const http::Request& request) {
    const bool by_default = !request.query_param("order_by") && !request.query_param("dir");
    const auto text = request.query_param("dir").value_or(by_default ? "b" : "f");
    if (text != "f" && text != "b") throw core::MatrixError::invalid_param("dir must be f or b");
    return text == "f" ? storage::MediaDirection::kForwards : storage::MediaDirection::kBackwards;
}

boost::json::value or_null(const std::optional<std::string>& text) {
    return text ? boost::json::value(*text) : boost::json::value(nullptr);
}

boost::json::object document(const storage::Media& media) {
    return {{"media_id", media.key.media_id},
            {"media_type", media.type},
            {"media_length", media.length.value_or(0)},
            {"upload_name", or_null(media.upload_name)},
            {"created_ts", media.created_ms},
            {"last_access_ts",
             media.last_access_ms ? boost::json::value(*media.last_access_ms) : boost::json::value(nullptr)},
            {"quarantined_by", or_null(media.quarantined_by)},
            {"safe_from_quarantine", media.is_safe}};
}

boost::json::array array_of(const std::vector<std::string>& texts) {
    boost::json::array out;
    for (const auto& text : texts) out.emplace_back(text);
    return out;
}

http::Response deleted(const std::vector<std::string>& ids) {
    return http::Response::json(boost::json::object{{"deleted_media", array_of(ids)}, {"total", ids.size()}});
}

http::Response quarantined(std::int64_t count) {
    return http::Response::json(boost::json::object{{"num_quarantined", count}});
}

}  // namespace

void AdminMediaEndpoints::register_on(http::Router& router) {
    if (!config_.media.enabled) return;
    register_quarantine(router);
    register_deletion(router);
}

void AdminMediaEndpoints::register_quarantine(http::Router& router) {
    using http::Method;
    router.add(
        admin_endpoint(Method::kPost, {"/media/quarantine/{serverName}/{mediaId}"}, "admin_quarantine_media"),
        std::bind_front(&AdminMediaEndpoints::quarantine, this));
    router.add(admin_endpoint(Method::kPost, {"/media/unquarantine/{serverName}/{mediaId}"},
                              "admin_unquarantine_media"),
               std::bind_front(&AdminMediaEndpoints::unquarantine, this));
    router.add(
        admin_endpoint(Method::kPost, {"/room/{roomId}/media/quarantine", "/quarantine_media/{roomId}"},
                       "admin_quarantine_room_media"),
        std::bind_front(&AdminMediaEndpoints::quarantine_room, this));
    router.add(
        admin_endpoint(Method::kPost, {"/user/{userId}/media/quarantine"}, "admin_quarantine_user_media"),
        std::bind_front(&AdminMediaEndpoints::quarantine_user, this));
    router.add(admin_endpoint(Method::kPost, {"/media/protect/{mediaId}"}, "admin_protect_media"),
               std::bind_front(&AdminMediaEndpoints::set_safe, this, true));
    router.add(admin_endpoint(Method::kPost, {"/media/unprotect/{mediaId}"}, "admin_unprotect_media"),
               std::bind_front(&AdminMediaEndpoints::set_safe, this, false));
}

void AdminMediaEndpoints::register_deletion(http::Router& router) {
    using http::Method;
    router.add(admin_endpoint(Method::kGet, {"/room/{roomId}/media"}, "admin_list_room_media"),
               std::bind_front(&AdminMediaEndpoints::list_room, this));
    router.add(admin_endpoint(Method::kGet, {"/users/{userId}/media"}, "admin_list_user_media"),
               std::bind_front(&AdminMediaEndpoints::list_user, this));
    router.add(admin_endpoint(Method::kDelete, {"/users/{userId}/media"}, "admin_delete_user_media"),
               std::bind_front(&AdminMediaEndpoints::remove_of_user, this));
    router.add(admin_endpoint(Method::kDelete, {"/media/{serverName}/{mediaId}"}, "admin_delete_media"),
               std::bind_front(&AdminMediaEndpoints::remove, this));
    router.add(admin_endpoint(Method::kPost, {"/media/delete", "/media/{serverName}/delete"},
                              "admin_delete_old_media"),
               std::bind_front(&AdminMediaEndpoints::remove_before, this));
    router.add(admin_endpoint(Method::kPost, {"/purge_media_cache"}, "admin_purge_media_cache"),
               std::bind_front(&AdminMediaEndpoints::purge_cache, this));
}

Task<http::Response> AdminMediaEndpoints::quarantine(http::Request request) {
    co_await media_.quarantine(request.param("serverName"), request.param("mediaId"), request.auth().user_id);
    co_return http::Response::empty_object();
}

Task<http::Response> AdminMediaEndpoints::unquarantine(http::Request request) {
    co_await media_.unquarantine(request.param("serverName"), request.param("mediaId"));
    co_return http::Response::empty_object();
}

Task<http::Response> AdminMediaEndpoints::quarantine_room(http::Request request) {
    co_return quarantined(co_await media_.quarantine_room(request.param("roomId"), request.auth().user_id));
}

Task<http::Response> AdminMediaEndpoints::quarantine_user(http::Request request) {
    co_return quarantined(co_await media_.quarantine_user(request.param("userId"), request.auth().user_id));
}

Task<http::Response> AdminMediaEndpoints::set_safe(bool is_safe, http::Request request) {
    co_await media_.set_safe(request.param("mediaId"), is_safe);
    co_return http::Response::empty_object();
}

Task<http::Response> AdminMediaEndpoints::list_room(http::Request request) {
    const auto found = co_await media_.in_room(request.param("roomId"));
    co_return http::Response::json(
        boost::json::object{{"local", array_of(found.local)}, {"remote", array_of(found.remote)}});
}

Task<http::Response> AdminMediaEndpoints::list_user(http::Request request) {
    const auto from = not_negative(request, "from", 0);
    const auto limit = not_negative(request, "limit", 100);
    const auto page = co_await media_.of_user(request.param("userId"), from, limit, order_of(request),
                                              direction_of(request));
    boost::json::array media;
    for (const auto& one : page.media) media.push_back(document(one));
    boost::json::object answer{{"media", std::move(media)}, {"total", page.total}};
    if (from + limit < page.total) answer["next_token"] = from + static_cast<std::int64_t>(page.media.size());
    co_return http::Response::json(answer);
}

Task<http::Response> AdminMediaEndpoints::remove_of_user(http::Request request) {
    const auto from = not_negative(request, "from", 0);
    const auto limit = not_negative(request, "limit", 100);
    co_return deleted(co_await media_.remove_of_user(request.param("userId"), from, limit, order_of(request),
                                                     direction_of(request)));
}

Task<http::Response> AdminMediaEndpoints::remove(http::Request request) {
    co_return deleted(co_await media_.remove(request.param("serverName"), request.param("mediaId")));
}

Task<http::Response> AdminMediaEndpoints::remove_before(http::Request request) {
    if (const auto server = request.path_params.find("serverName");
        server != request.path_params.end() && server->second != config_.server_name)
        throw core::MatrixError::unknown("Can only delete local media");
    const auto before = before_ms(request);
    const auto size = not_negative(request, "size_gt", 0);
    const auto keep_profiles = request.query_bool("keep_profiles").value_or(true);
    co_return deleted(co_await media_.remove_before(before, size, keep_profiles));
}

Task<http::Response> AdminMediaEndpoints::purge_cache(http::Request request) {
    const auto count = co_await media_.purge_cache(before_ms(request));
    co_return http::Response::json(boost::json::object{{"deleted", count}});
}

}  // namespace weft::rest
