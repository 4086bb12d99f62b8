#include "weft/rest/client/members.hpp"

#include <algorithm>
#include <array>

#include "client/reading_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

namespace {

std::optional<std::string> membership_in(const http::Request& request, std::string_view name) {
    static constexpr std::array<std::string_view, 5> kMemberships{"join", "invite", "knock", "leave", "ban"};
    const auto text = request.query_param(name);
    if (!text) return std::nullopt;
    if (std::find(kMemberships.begin(), kMemberships.end(), *text) == kMemberships.end()) {
        throw core::MatrixError::invalid_param(fmt::format("{}: join, invite, knock, leave or ban", name));
    }
    return std::string{*text};
}

void write_member(proto::JsonWriter& writer, const proto::Event& member) {
    writer.key(*member.state_key()).begin_object();
    if (const auto name = proto::get_string(member.content(), "displayname"))
        writer.member("display_name", *name);
    if (const auto url = proto::get_string(member.content(), "avatar_url")) writer.member("avatar_url", *url);
    writer.end_object();
}

}  // namespace

void MembersEndpoints::register_on(http::Router& router) {
    router.add(reading_endpoint("getMembersByRoom", {"/rooms/{roomId}/members"}),
               std::bind_front(&MembersEndpoints::get_members, this));
    router.add(reading_endpoint("getJoinedMembersByRoom", {"/rooms/{roomId}/joined_members"}),
               std::bind_front(&MembersEndpoints::get_joined_members, this));
}

Task<http::Response> MembersEndpoints::get_members(http::Request request) {
    handlers::MembersQuery query{request.auth().user_id, room_id_of(request)};
    query.at = token_in(request, "at");
    query.membership = membership_in(request, "membership");
    query.not_membership = membership_in(request, "not_membership");
    const auto members = co_await states_.members(std::move(query));
    proto::JsonWriter writer{64 + 512 * members.size()};
    writer.begin_object();
    write_events(writer, "chunk", members, viewer_of(request, clock_));
    co_return http::Response::raw_json(writer.end_object().take());
}

Task<http::Response> MembersEndpoints::get_joined_members(http::Request request) {
    const auto members = co_await states_.joined_members(request.auth().user_id, room_id_of(request));
    proto::JsonWriter writer{64 + 128 * members.size()};
    writer.begin_object().key("joined").begin_object();
    for (const auto& stored : members) write_member(writer, *stored->event);
    co_return http::Response::raw_json(writer.end_object().end_object().take());
}

}  // namespace weft::rest
