#include "weft/rest/client/sliding_sync.hpp"

#include <algorithm>
#include <charconv>

#include "client/room_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;
using handlers::SlidingExtension;
using handlers::SlidingFilters;
using handlers::SlidingList;
using handlers::SlidingRoomConfig;

namespace {

constexpr std::size_t kListsMax = 100;
constexpr std::size_t kRangesMax = 20;
constexpr std::size_t kSubscriptionsMax = 1'000;
constexpr std::size_t kRequiredStateMax = 1'000;
constexpr std::size_t kConnIdBytesMax = 255;
constexpr std::int64_t kTimelineLimitMax = 100;
constexpr std::int64_t kToDeviceMax = 100;

/// A member that is there and not null, or nothing.
const json::value* present(const json::object& object, std::string_view key) {
    const auto* const value = proto::find(object, key);
    return value && !value->is_null() ? value : nullptr;
}

const json::array* list_in(const json::object& object, std::string_view key) {
    const auto* const value = present(object, key);
    if (!value) return nullptr;
    if (!value->is_array()) throw MatrixError::bad_json(fmt::format("'{}' must be a list", key));
    return &value->get_array();
}

std::string string_in(const json::value& value, std::string_view what) {
    if (!value.is_string()) throw MatrixError::bad_json(fmt::format("'{}' must hold strings", what));
    return std::string{std::string_view{value.get_string()}};
}

std::optional<std::vector<std::string>> strings_in(const json::object& object, std::string_view key) {
    const auto* const list = list_in(object, key);
    if (!list) return std::nullopt;
    std::vector<std::string> out;
    for (const auto& item : *list) out.push_back(string_in(item, key));
    return out;
}

std::optional<std::vector<std::optional<std::string>>> types_in(const json::object& object,
                                                                std::string_view key) {
    const auto* const list = list_in(object, key);
    if (!list) return std::nullopt;
    std::vector<std::optional<std::string>> out;
    for (const auto& item : *list) {
        if (item.is_null()) {
            out.emplace_back(std::nullopt);
        } else {
            out.emplace_back(string_in(item, key));
        }
    }
    return out;
}

std::optional<std::int64_t> natural_in(const json::object& object, std::string_view key) {
    const auto* const value = present(object, key);
    if (!value) return std::nullopt;
    const auto number = proto::as_int(*value);
    if (!number) throw MatrixError::bad_json(fmt::format("'{}' must be an integer", key));
    if (*number < 0) throw MatrixError::invalid_param(fmt::format("'{}' must not be negative", key));
    return number;
}

SlidingRoomConfig parse_config(const json::object& object) {
    SlidingRoomConfig out;
    out.timeline_limit = std::min(natural_in(object, "timeline_limit").value_or(0), kTimelineLimitMax);
    const auto* const required = list_in(object, "required_state");
    if (!required) return out;
    if (required->size() > kRequiredStateMax)
        throw MatrixError::invalid_param("'required_state' is too long");
    for (const auto& item : *required) {
        const auto* const pair = item.if_array();
        if (!pair || pair->size() != 2)
            throw MatrixError::bad_json("'required_state' must hold pairs of type and state key");
        out.required_state.emplace_back(string_in((*pair)[0], "required_state"),
                                        string_in((*pair)[1], "required_state"));
    }
    return out;
}

std::vector<std::pair<std::size_t, std::size_t>> parse_ranges(const json::object& object) {
    std::vector<std::pair<std::size_t, std::size_t>> out;
    const auto* const ranges = list_in(object, "ranges");
    if (!ranges) return out;
    if (ranges->size() > kRangesMax) throw MatrixError::invalid_param("'ranges' is too long");
    for (const auto& item : *ranges) {
        const auto* const pair = item.if_array();
        const auto first = pair && pair->size() == 2 ? proto::as_int((*pair)[0]) : std::nullopt;
        const auto last = first ? proto::as_int((*pair)[1]) : std::nullopt;
        if (!last) throw MatrixError::bad_json("'ranges' must hold pairs of integers");
        if (*first < 0 || *last < *first)
            throw MatrixError::invalid_param("A range must not end before it begins");
        out.emplace_back(static_cast<std::size_t>(*first), static_cast<std::size_t>(*last));
    }
    return out;
}

SlidingFilters parse_filters(const json::object& object) {
    SlidingFilters out;
    out.is_dm = optional_bool(object, "is_dm");
    out.is_encrypted = optional_bool(object, "is_encrypted");
    out.is_invite = optional_bool(object, "is_invite");
    out.room_types = types_in(object, "room_types");
    out.not_room_types =
        types_in(object, "not_room_types").value_or(std::vector<std::optional<std::string>>{});
    out.tags = strings_in(object, "tags");
    out.not_tags = strings_in(object, "not_tags").value_or(std::vector<std::string>{});
    out.spaces = strings_in(object, "spaces");
    out.name_like = optional_string(object, "room_name_like");
    return out;
}

SlidingExtension parse_extension(const json::object& extensions, std::string_view name) {
    const auto object = optional_object(extensions, name);
    SlidingExtension out;
    out.enabled = optional_bool(object, "enabled").value_or(false);
    out.lists = strings_in(object, "lists");
    out.rooms = strings_in(object, "rooms");
    return out;
}

handlers::SlidingToDevice parse_to_device(const json::object& extensions) {
    const auto object = optional_object(extensions, "to_device");
    handlers::SlidingToDevice out;
    out.enabled = optional_bool(object, "enabled").value_or(false);
    out.limit = static_cast<std::size_t>(
        std::clamp<std::int64_t>(natural_in(object, "limit").value_or(kToDeviceMax), 1, kToDeviceMax));
    const auto since = optional_string(object, "since").value_or("");
    if (since.empty()) return out;
    const auto* const end = since.data() + since.size();
    const auto [stop, error] = std::from_chars(since.data(), end, out.since);
    if (error != std::errc{} || stop != end || out.since < 0)
        throw MatrixError::invalid_param("to_device.since: not a token of this server");
    return out;
}

template <class Function>
void for_each_object(const json::object& body, std::string_view key, std::size_t entries_max,
                     Function function) {
    const auto object = optional_object(body, key);
    if (object.size() > entries_max)
        throw MatrixError::invalid_param(fmt::format("'{}' has too many entries", key));
    for (const auto& [name, value] : object) {
        if (!value.is_object()) throw MatrixError::bad_json(fmt::format("'{}' must hold objects", key));
        function(std::string{name}, value.get_object());
    }
}

}  // namespace

handlers::SlidingSyncRequest parse_sliding_sync(const json::object& body) {
    handlers::SlidingSyncRequest out;
    out.conn_id = optional_string(body, "conn_id").value_or("");
    if (out.conn_id.size() > kConnIdBytesMax) throw MatrixError::invalid_param("'conn_id' is too long");
    for_each_object(body, "lists", kListsMax, [&](std::string name, const json::object& object) {
        SlidingList list{parse_config(object), parse_ranges(object), {}};
        if (present(object, "filters")) list.filters = parse_filters(optional_object(object, "filters"));
        out.lists.emplace(std::move(name), std::move(list));
    });
    for_each_object(body, "room_subscriptions", kSubscriptionsMax,
                    [&](std::string room_id, const json::object& object) {
                        if (!proto::RoomId::parse(room_id))
                            throw MatrixError::invalid_param("'room_subscriptions' must name rooms by ID");
                        out.subscriptions.emplace(std::move(room_id), parse_config(object));
                    });
    const auto extensions = optional_object(body, "extensions");
    out.to_device = parse_to_device(extensions);
    out.e2ee = optional_bool(optional_object(extensions, "e2ee"), "enabled").value_or(false);
    out.account_data = parse_extension(extensions, "account_data");
    out.receipts = parse_extension(extensions, "receipts");
    out.typing = parse_extension(extensions, "typing");
    return out;
}

void SlidingSyncEndpoints::register_on(http::Router& router) {
    router.add(http::Endpoint{.method = http::Method::kPost,
                              .paths = {"/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"},
                              .operation = "slidingSync",
                              .auth = http::Auth::kGuestToo,
                              .workers = static_cast<http::WorkerKinds>(http::WorkerKind::kSynchrotron),
                              .affinity = http::Affinity::kUser,
                              .timeout_ms = 0,
                              .on_disconnect = http::OnDisconnect::kCancel},
               std::bind_front(&SlidingSyncEndpoints::post_sync, this));
}

Task<http::Response> SlidingSyncEndpoints::post_sync(http::Request request) {
    const auto body = request.json_body(true);
    auto sync = parse_sliding_sync(body);
    sync.user_id = request.auth().user_id;
    sync.device_id = request.auth().device_id;
    sync.timeout_ms = request.query_int("timeout").value_or(0);
    if (sync.timeout_ms < 0) throw MatrixError::invalid_param("timeout: must not be negative");
    if (const auto presence = request.query_param("set_presence")) {
        sync.set_presence = *presence;
        if (*presence != "online" && *presence != "offline" && *presence != "unavailable") {
            throw MatrixError::invalid_param("set_presence: online, offline or unavailable");
        }
    }
    if (const auto pos = request.query_param("pos"); pos && !pos->empty()) {
        sync.pos = handlers::SlidingToken::parse(*pos);
        if (!sync.pos) throw MatrixError{400, "M_UNKNOWN_POS", "Unknown position"};
    }
    co_return http::Response::raw_json(co_await sync_.sync(std::move(sync)));
}

}  // namespace weft::rest
