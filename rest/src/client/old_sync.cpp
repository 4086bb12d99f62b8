#include "weft/rest/client/old_sync.hpp"

#include <algorithm>

#include "client/reading_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;
using handlers::RoomSnapshot;

namespace {

constexpr std::int64_t kMessagesMax = 100;
constexpr auto kOnSynchrotron = static_cast<http::WorkerKinds>(http::WorkerKind::kSynchrotron);

void write_fragments(proto::JsonWriter& writer, std::string_view name,
                     const std::vector<std::string>& events) {
    writer.key(name).begin_array();
    for (const auto& event : events) writer.raw(event);
    writer.end_array();
}

void write_room(proto::JsonWriter& writer, const RoomSnapshot& room, const handlers::EventViewer& viewer,
                bool with_receipts) {
    writer.begin_object().member("room_id", room.room_id.str());
    if (!room.membership.empty()) writer.member("membership", room.membership);
    if (room.invite) {
        writer.key("invite");
        handlers::append_event(writer.begin_raw_value(), *room.invite, viewer);
        writer.end_object();
        return;
    }
    writer.key("messages").begin_object();
    write_events(writer, "chunk", room.messages, viewer);
    writer.member("start", room.start.to_string()).member("end", room.end.to_string()).end_object();
    write_events(writer, "state", room.state, viewer);
    writer.member("visibility", room.published ? "public" : "private");
    write_fragments(writer, "account_data", room.account_data);
    if (with_receipts) {
        write_fragments(writer, "receipts", room.receipts);
        write_fragments(writer, "presence", {});
    }
    writer.end_object();
}

std::size_t messages_max(const http::Request& request) {
    const auto limit = request.query_int("limit").value_or(10);
    if (limit < 0) throw MatrixError::invalid_param("limit: must not be negative");
    return static_cast<std::size_t>(std::clamp<std::int64_t>(limit, 1, kMessagesMax));
}

}  // namespace

void OldSyncEndpoints::register_on(http::Router& router) {
    auto all = reading_endpoint("initialSync", {"/initialSync"});
    all.workers = kOnSynchrotron;
    router.add(std::move(all), std::bind_front(&OldSyncEndpoints::get_initial_sync, this));
    auto one = reading_endpoint("roomInitialSync", {"/rooms/{roomId}/initialSync"});
    router.add(std::move(one), std::bind_front(&OldSyncEndpoints::get_room, this));
    auto events = reading_endpoint("getEvents", {"/events"});
    events.workers = kOnSynchrotron;
    events.affinity = http::Affinity::kUser;
    events.timeout_ms = 0;
    router.add(std::move(events), std::bind_front(&OldSyncEndpoints::get_events, this));
    router.add(reading_endpoint("getOneEvent", {"/events/{eventId}"}),
               std::bind_front(&OldSyncEndpoints::get_event, this));
}

Task<http::Response> OldSyncEndpoints::get_initial_sync(http::Request request) {
    const auto limit = messages_max(request);
    // Older clients say "true", newer ones leave it out.
    const bool archived = request.query_bool("archived").value_or(false);
    const auto snapshot = co_await sync_.everything(request.auth().user_id, limit, archived);
    auto viewer = viewer_of(request, clock_);
    std::vector<storage::StoredEventPtr> shown;
    for (const auto& room : snapshot.rooms)
        shown.insert(shown.end(), room.messages.begin(), room.messages.end());
    co_await aggregations_.add_to(viewer, std::move(shown));

    proto::JsonWriter writer{4096};
    writer.begin_object().member("end", snapshot.end.to_string()).key("rooms").begin_array();
    for (const auto& room : snapshot.rooms) write_room(writer, room, viewer, false);
    writer.end_array().key("receipts").begin_array();
    for (const auto& room : snapshot.rooms) {
        for (const auto& receipt : room.receipts) writer.raw(receipt);
    }
    writer.end_array();
    write_fragments(writer, "presence", snapshot.presence);
    write_fragments(writer, "account_data", snapshot.account_data);
    co_return http::Response::raw_json(writer.end_object().take());
}

Task<http::Response> OldSyncEndpoints::get_room(http::Request request) {
    const auto room = co_await sync_.room(request.auth().user_id, room_id_of(request), messages_max(request));
    auto viewer = viewer_of(request, clock_);
    co_await aggregations_.add_to(viewer, room.messages);
    proto::JsonWriter writer{4096};
    write_room(writer, room, viewer, true);
    co_return http::Response::raw_json(writer.take());
}

Task<http::Response> OldSyncEndpoints::get_events(http::Request request) {
    std::optional<handlers::SyncToken> from;
    if (const auto text = request.query_param("from"); text && !text->empty()) {
        const auto token = handlers::SyncToken::parse(*text);
        if (!token) throw MatrixError::invalid_param("from: not a token of this server");
        from = *token;
    }
    const auto timeout = request.query_int("timeout").value_or(0);
    if (timeout < 0) throw MatrixError::invalid_param("timeout: must not be negative");
    std::optional<proto::RoomId> room_id;
    if (const auto text = request.query_param("room_id")) {
        const auto parsed = proto::RoomId::parse(*text);
        if (!parsed) throw MatrixError::invalid_param(parsed.error().message);
        room_id = *parsed;
    }
    const auto found = co_await sync_.events(request.auth().user_id, from, timeout, std::move(room_id));
    auto viewer = viewer_of(request, clock_);
    co_await aggregations_.add_to(viewer, found.events);
    proto::JsonWriter writer{1024};
    writer.begin_object().member("start", found.start.to_string()).member("end", found.end.to_string());
    writer.key("chunk").begin_array();
    for (const auto& event : found.events) handlers::append_event(writer.begin_raw_value(), *event, viewer);
    co_return http::Response::raw_json(writer.end_array().end_object().take());
}

Task<http::Response> OldSyncEndpoints::get_event(http::Request request) {
    const auto event = co_await sync_.event(request.auth().user_id, event_id_of(request));
    auto viewer = viewer_of(request, clock_);
    std::vector<storage::StoredEventPtr> shown{event};
    co_await aggregations_.add_to(viewer, std::move(shown));
    std::string body;
    handlers::append_event(body, *event, viewer);
    co_return http::Response::raw_json(std::move(body));
}

}  // namespace weft::rest
