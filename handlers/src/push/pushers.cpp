#include "weft/handlers/push/pushers.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/url.hpp>

#include "weft/core/errors.hpp"
#include "weft/handlers/accounts/third_party_ids.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

namespace json = boost::json;
using core::MatrixError;

namespace {

constexpr std::string_view kNotifyPath = "/_matrix/push/v1/notify";
constexpr std::size_t kTextBytesMax = 1024;

/// A member that must be there; null counts as missing.
std::string text(const json::object& body, std::string_view key, std::size_t bytes_max) {
    const auto* value = proto::find(body, key);
    if (!value || value->is_null())
        throw MatrixError::missing_param(fmt::format("Missing parameters: {}", key));
    if (!value->is_string()) throw MatrixError::bad_json(fmt::format("'{}' must be a string", key));
    const std::string_view out = value->get_string();
    if (out.size() > bytes_max) throw MatrixError::invalid_param(fmt::format("'{}' is too long", key));
    if (out.find('\0') != std::string_view::npos)
        throw MatrixError::invalid_param(fmt::format("'{}' must not contain NUL", key));
    return std::string{out};
}

void check_url(const json::object& data) {
    const auto* url = proto::find(data, "url");
    if (!url) throw MatrixError::missing_param("'data' needs a 'url'");
    const auto parsed = boost::urls::parse_uri(std::string_view{url->get_string()});
    const bool is_web = parsed && (parsed->scheme_id() == boost::urls::scheme::https ||
                                   parsed->scheme_id() == boost::urls::scheme::http);
    if (!is_web || parsed->encoded_host().empty())
        throw MatrixError::invalid_param("'url' must be an HTTPS URL");
    if (std::string_view{parsed->encoded_path()} != kNotifyPath) {
        throw MatrixError::invalid_param(fmt::format("'url' must have the path {}", kNotifyPath));
    }
}

std::string data_of(const json::object& body, bool is_http) {
    const auto* data = proto::find(body, "data");
    if (!data || data->is_null()) throw MatrixError::missing_param("Missing parameters: data");
    if (!data->is_object()) throw MatrixError::bad_json("'data' must be an object");
    auto kept = data->get_object();
    for (const auto* key : {"url", "format"}) {
        const auto* value = proto::find(kept, key);
        if (!value) continue;
        // What was set is listed again, where null is no string.
        if (value->is_null()) kept.erase(key);
        else if (!value->is_string())
            throw MatrixError::bad_json(fmt::format("'{}' in 'data' must be a string", key));
    }
    if (is_http) check_url(kept);
    auto out = proto::to_json(kept);
    if (out.size() > 16 * kTextBytesMax) throw MatrixError::invalid_param("'data' is too long");
    return out;
}

bool appends(const json::object& body) {
    const auto* append = proto::find(body, "append");
    if (!append || append->is_null()) return false;
    if (!append->is_bool()) throw MatrixError::bad_json("'append' must be true or false");
    return append->get_bool();
}

json::object shown(const storage::Pusher& pusher) {
    const auto& settings = pusher.settings;
    const auto data = proto::parse_json_object(settings.data);
    json::object out{{"app_id", settings.key.app_id},
                     {"pushkey", settings.key.push_key},
                     {"kind", settings.kind},
                     {"app_display_name", settings.app_display_name},
                     {"device_display_name", settings.device_display_name},
                     {"lang", settings.lang.value_or("")},
                     {"data", data ? *data : json::object{}}};
    if (!settings.profile_tag.empty()) out["profile_tag"] = settings.profile_tag;
    return out;
}

}  // namespace

Task<json::array> Pushers::list(std::string user_id) {
    json::array out;
    for (const auto& pusher : co_await store_.of_user(std::move(user_id))) out.push_back(shown(pusher));
    co_return out;
}

Task<void> Pushers::prepare_email(storage::PusherSettings& settings) {
    settings.key.push_key = canonical_email(settings.key.push_key);
    if (co_await addresses_.owner_of("email", settings.key.push_key) != settings.key.user_id)
        throw MatrixError{400, "M_THREEPID_NOT_FOUND", "This is no e-mail address of yours"};
    // Mail is for those who are away: it outlives the session that asked for it.
    settings.access_token_id.reset();
    settings.device_id.reset();
}

Task<void> Pushers::set(http::Requester requester, json::object body) {
    storage::PusherSettings settings;
    settings.key = {requester.user_id, text(body, "app_id", 4 * kAppIdCharactersMax),
                    text(body, "pushkey", kPushKeyBytesMax)};
    if (settings.key.app_id.size() > kAppIdCharactersMax)
        throw MatrixError::invalid_param("'app_id' is too long");
    const auto* kind = proto::find(body, "kind");
    if (!kind) throw MatrixError::missing_param("Missing parameters: kind");
    if (kind->is_null()) {
        co_await store_.remove(std::move(settings.key));
        co_return;
    }
    settings.kind = text(body, "kind", kTextBytesMax);
    const bool is_http = settings.kind == "http";
    if (!is_http && (settings.kind != "email" || !sends_email_))
        throw MatrixError::invalid_param(
            fmt::format("This server has no pushers of the kind {}", settings.kind));
    settings.app_display_name = text(body, "app_display_name", kTextBytesMax);
    settings.device_display_name = text(body, "device_display_name", kTextBytesMax);
    settings.lang = text(body, "lang", kTextBytesMax);
    if (const auto* tag = proto::find(body, "profile_tag"); tag && !tag->is_null())
        settings.profile_tag = text(body, "profile_tag", kTextBytesMax);
    settings.data = data_of(body, is_http);
    const bool append = appends(body);
    settings.access_token_id = requester.access_token_id;
    if (!requester.device_id.empty()) settings.device_id = requester.device_id;
    if (!is_http) co_await prepare_email(settings);
    // What happened before is no news for a device that only now wants to know.
    settings.last_stream_ordering = events_.current();

    const auto present = co_await store_.of_user(requester.user_id);
    const bool is_new = std::none_of(present.begin(), present.end(), [&](const storage::Pusher& pusher) {
        return pusher.settings.key == settings.key;
    });
    if (is_new && present.size() >= kPushersMax) throw MatrixError::invalid_param("Too many pushers");
    auto key = settings.key;
    if (!append) co_await store_.remove_of_others(std::move(key));
    co_await store_.set(std::move(settings));
}

}  // namespace weft::handlers
