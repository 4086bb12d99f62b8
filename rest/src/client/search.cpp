#include "weft/rest/client/search.hpp"

#include <algorithm>
#include <array>

#include "client/reading_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;
using handlers::SearchResults;

namespace {

constexpr std::int64_t kLimitDefault = 10;
constexpr std::int64_t kLimitMax = 100;
constexpr std::int64_t kContextDefault = 5;
constexpr std::int64_t kContextMax = 50;

std::vector<std::string> strings_in(const json::object& object, std::string_view key) {
    const auto* const list = proto::find(object, key);
    std::vector<std::string> out;
    if (!list || list->is_null()) return out;
    if (!list->is_array()) throw MatrixError::bad_json(fmt::format("'{}' must be a list", key));
    for (const auto& item : list->get_array()) {
        if (!item.is_string())
            throw MatrixError::bad_json(fmt::format("'{}' must be a list of strings", key));
        out.emplace_back(item.get_string());
    }
    return out;
}

std::size_t context_limit(const json::object& context, std::string_view key) {
    const auto* const value = proto::find(context, key);
    if (!value || value->is_null()) return kContextDefault;
    const auto number = proto::as_int(*value);
    if (!number) throw MatrixError::bad_json(fmt::format("'{}' must be an integer", key));
    return static_cast<std::size_t>(std::clamp<std::int64_t>(*number, 0, kContextMax));
}

void read_groups(handlers::SearchQuery& query, const json::object& groupings) {
    const auto* const groups = proto::find(groupings, "group_by");
    if (!groups) return;
    if (!groups->is_array()) throw MatrixError::bad_json("'group_by' must be a list");
    for (const auto& group : groups->get_array()) {
        const auto key = group.is_object() ? optional_string(group.get_object(), "key") : std::nullopt;
        if (key == "room_id") {
            query.by_room = true;
        } else if (key == "sender") {
            query.by_sender = true;
        } else {
            throw MatrixError::invalid_param("Results can be grouped by room_id and sender");
        }
    }
}

void write_context(proto::JsonWriter& writer, const SearchResults::Result& result,
                   const handlers::EventViewer& viewer, bool with_profiles) {
    const auto& context = *result.context;
    writer.key("context").begin_object();
    writer.member("start", context.start.to_string()).member("end", context.end.to_string());
    write_events(writer, "events_before", context.before, viewer);
    write_events(writer, "events_after", context.after, viewer);
    if (with_profiles) {
        writer.key("profile_info").begin_object();
        for (const auto& member : result.members) {
            const auto& content = member->event->content();
            writer.key(*member->event->state_key()).begin_object();
            for (const auto* const field : {"displayname", "avatar_url"}) {
                if (const auto text = proto::get_string(content, field)) writer.member(field, *text);
            }
            writer.end_object();
        }
        writer.end_object();
    }
    writer.end_object();
}

void write_groups(proto::JsonWriter& writer, std::string_view name,
                  const std::map<std::string, SearchResults::Group>& groups) {
    writer.key(name).begin_object();
    for (const auto& [value, group] : groups) {
        writer.key(value).begin_object().member("order", group.order).key("results").begin_array();
        for (const auto& event_id : group.events) writer.value(event_id.str());
        writer.end_array();
        if (group.next) writer.member("next_batch", group.next->to_string());
        writer.end_object();
    }
    writer.end_object();
}

std::vector<storage::StoredEventPtr> shown_events(const SearchResults& results) {
    std::vector<storage::StoredEventPtr> out;
    for (const auto& result : results.results) {
        out.push_back(result.event);
        if (!result.context) continue;
        out.insert(out.end(), result.context->before.begin(), result.context->before.end());
        out.insert(out.end(), result.context->after.begin(), result.context->after.end());
    }
    return out;
}

}  // namespace

handlers::SearchQuery parse_search(std::string user_id, const json::object& criteria) {
    handlers::SearchQuery query{std::move(user_id)};
    query.text = required_string(criteria, "search_term");
    if (const auto* const keys = proto::find(criteria, "keys"); keys && !keys->is_null()) {
        static constexpr std::array<std::string_view, 3> kKeys{"content.body", "content.name",
                                                               "content.topic"};
        query.keys = strings_in(criteria, "keys");
        for (const auto& key : query.keys) {
            if (std::ranges::find(kKeys, key) == kKeys.end())
                throw MatrixError::invalid_param("keys: unknown key");
        }
    }
    auto filter = proto::EventFilter::parse(optional_object(criteria, "filter"));
    if (!filter) throw MatrixError::invalid_param("filter: " + filter.error().message);
    query.filter = std::move(*filter);
    query.limit =
        static_cast<std::size_t>(std::max<std::int64_t>(query.filter.limit_or(kLimitDefault, kLimitMax), 1));
    const auto order = optional_string(criteria, "order_by").value_or("rank");
    if (order != "rank" && order != "recent") throw MatrixError::invalid_param("order_by: rank or recent");
    query.order = order == "rank" ? storage::SearchOrder::kRank : storage::SearchOrder::kRecent;
    if (const auto* const context = proto::find(criteria, "event_context"); context && !context->is_null()) {
        const auto wanted = optional_object(criteria, "event_context");
        query.context = handlers::EventReader::Around{context_limit(wanted, "before_limit"),
                                                      context_limit(wanted, "after_limit")};
        query.with_profiles = optional_bool(wanted, "include_profile").value_or(false);
    }
    query.with_state = optional_bool(criteria, "include_state").value_or(false);
    read_groups(query, optional_object(criteria, "groupings"));
    return query;
}

void SearchEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/search"),
                .operation = "search",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader,
                .on_disconnect = http::OnDisconnect::kCancel},
               std::bind_front(&SearchEndpoints::post_search, this));
}

Task<http::Response> SearchEndpoints::post_search(http::Request request) {
    const auto body = request.json_body();
    if (!body.contains("search_categories"))
        throw MatrixError::missing_param("'search_categories' is missing");
    const auto categories = optional_object(body, "search_categories");
    if (!categories.contains("room_events")) {
        co_return http::Response::json(json::object{{"search_categories", json::object{}}});
    }
    auto query = parse_search(request.auth().user_id, optional_object(categories, "room_events"));
    if (const auto text = request.query_param("next_batch")) {
        query.from = handlers::SearchToken::parse(*text);
        if (!query.from) throw MatrixError::invalid_param("next_batch: not a token of this server");
    }
    const bool with_profiles = query.with_profiles;
    const bool with_state = query.with_state;
    const auto results = co_await search_.find(std::move(query));

    auto viewer = viewer_of(request, clock_);
    co_await aggregations_.add_to(viewer, shown_events(results));
    proto::JsonWriter writer{1024 + 1024 * results.results.size()};
    writer.begin_object().key("search_categories").begin_object().key("room_events").begin_object();
    writer.member("count", results.count).key("highlights").begin_array();
    for (const auto& word : results.highlights) writer.value(word);
    writer.end_array().key("results").begin_array();
    for (const auto& result : results.results) {
        writer.begin_object().key("rank").raw(fmt::format("{}", result.rank)).key("result");
        handlers::append_event(writer.begin_raw_value(), *result.event, viewer);
        if (result.context) write_context(writer, result, viewer, with_profiles);
        writer.end_object();
    }
    writer.end_array();
    if (with_state) {
        writer.key("state").begin_object();
        for (const auto& [room_id, state] : results.state) write_events(writer, room_id, state, viewer);
        writer.end_object();
    }
    if (!results.rooms.empty() || !results.senders.empty()) {
        writer.key("groups").begin_object();
        if (!results.rooms.empty()) write_groups(writer, "room_id", results.rooms);
        if (!results.senders.empty()) write_groups(writer, "sender", results.senders);
        writer.end_object();
    }
    if (results.next) writer.member("next_batch", results.next->to_string());
    co_return http::Response::raw_json(writer.end_object().end_object().end_object().take());
}

}  // namespace weft::rest
