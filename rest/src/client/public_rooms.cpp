#include "weft/rest/client/public_rooms.hpp"

#include <algorithm>

#include "client/room_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;

namespace {

handlers::DirectoryToken token_of(std::string_view text) {
    const auto token = handlers::DirectoryToken::parse(text);
    if (!token) throw MatrixError::invalid_param("'since' is not a token of the room directory");
    return *token;
}

/// Nothing and less than nothing mean: as many as there may be.
std::size_t limit_of(std::int64_t limit) {
    return static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
}

std::vector<std::optional<std::string>> room_types_of(const json::value& value) {
    if (!value.is_array()) throw MatrixError::bad_json("'room_types' must be a list");
    std::vector<std::optional<std::string>> out;
    for (const auto& entry : value.get_array()) {
        if (entry.is_null()) {
            out.emplace_back(std::nullopt);
        } else if (const auto* const text = entry.if_string()) {
            out.emplace_back(std::string{std::string_view{*text}});
        } else {
            throw MatrixError::bad_json("'room_types' must be a list of strings and nulls");
        }
    }
    return out;
}

}  // namespace

handlers::PublicRoomsQuery parse_public_rooms(const json::object& body) {
    handlers::PublicRoomsQuery query;
    if (const auto* const limit = proto::find(body, "limit"); limit && !limit->is_null()) {
        const auto number = proto::as_int(*limit);
        if (!number) throw MatrixError::bad_json("'limit' must be an integer");
        query.limit = limit_of(*number);
    }
    if (const auto since = optional_string(body, "since"); since && !since->empty())
        query.since = token_of(*since);
    const auto filter = optional_object(body, "filter");
    query.search = optional_string(filter, "generic_search_term").value_or("");
    if (const auto* const types = proto::find(filter, "room_types"); types && !types->is_null()) {
        query.room_types = room_types_of(*types);
    }
    query.all_networks = optional_bool(body, "include_all_networks").value_or(false);
    if (auto network = optional_string(body, "third_party_instance_id"); network && !network->empty()) {
        if (query.all_networks) throw MatrixError::invalid_param("Either one network or all of them");
        if (network->find('|') == std::string::npos)
            throw MatrixError::invalid_param("'third_party_instance_id' is no instance of a protocol");
        query.network = std::move(*network);
    }
    return query;
}

void PublicRoomsEndpoints::register_on(http::Router& router) {
    http::Endpoint endpoint{.method = http::Method::kGet,
                            .paths = http::client_paths("/publicRooms"),
                            .operation = "getPublicRooms",
                            .auth = http::Auth::kOptional,
                            .workers = kOnClientReader};
    router.add(endpoint, std::bind_front(&PublicRoomsEndpoints::get, this));
    endpoint.method = http::Method::kPost;
    endpoint.operation = "queryPublicRooms";
    endpoint.auth = http::Auth::kGuestToo;
    router.add(endpoint, std::bind_front(&PublicRoomsEndpoints::post, this));
}

Task<http::Response> PublicRoomsEndpoints::get(http::Request request) {
    require_this_server(request);
    handlers::PublicRoomsQuery query;
    query.limit = limit_of(request.query_int("limit").value_or(0));
    if (const auto since = request.query_param("since"); since && !since->empty())
        query.since = token_of(*since);
    return answer(std::move(query));
}

Task<http::Response> PublicRoomsEndpoints::post(http::Request request) {
    require_this_server(request);
    const auto body = request.json_body(true);
    co_return co_await answer(parse_public_rooms(body));
}

Task<http::Response> PublicRoomsEndpoints::answer(handlers::PublicRoomsQuery query) {
    auto page = co_await rooms_.list(std::move(query));
    json::object out{{"chunk", std::move(page.chunk)}, {"total_room_count_estimate", page.total}};
    if (page.next) out["next_batch"] = page.next->to_string();
    if (page.prev) out["prev_batch"] = page.prev->to_string();
    co_return http::Response::json(out);
}

void PublicRoomsEndpoints::require_this_server(const http::Request& request) const {
    const auto server = request.query_param("server");
    if (!server || *server == server_name_) return;
    throw MatrixError::not_found(fmt::format("This server does not talk to {}", *server));
}

}  // namespace weft::rest
