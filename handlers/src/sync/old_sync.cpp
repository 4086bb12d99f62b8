#include "weft/handlers/sync/old_sync.hpp"

#include <algorithm>

#include "sync/stream_positions.hpp"
#include "sync/sync_answer.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"
#include "weft/handlers/reading/ignored_users.hpp"
#include "weft/handlers/user_data/invite_permission.hpp"

namespace weft::handlers {
namespace {

namespace json = boost::json;

constexpr std::int64_t kTimeoutMaxMs = 600'000;
/// New events of one room that are told at once.
constexpr std::size_t kEventsOfRoomMax = 100;
/// Nobody wakes those who look into a room they are not in.
constexpr std::int64_t kPeekIntervalMs = 500;

std::string in_room(std::string_view type, const std::string& room_id, const json::object& content) {
    return proto::to_json(json::object{{"type", type}, {"room_id", room_id}, {"content", content}});
}

}  // namespace

OldSync::OldSync(SyncSources sources, MessagePages& pages, RoomStateReader& states, RoomAccess& access,
                 EventReader& reader, storage::RoomDirectoryStore& directory)
    : sources_{std::move(sources)},
      pages_{pages},
      states_{states},
      access_{access},
      reader_{reader},
      directory_{directory} {}

Task<RoomSnapshot> OldSync::room(std::string user_id, proto::RoomId room_id, std::size_t messages_max) {
    const auto access = co_await access_.require(user_id, room_id);
    RoomSnapshot out{room_id};
    const auto rooms = co_await sources_.states.rooms_of_user(user_id);
    if (const auto room = rooms->find(room_id); room != rooms->end())
        out.membership = room->second.membership;

    MessagesQuery query{user_id, room_id};
    query.limit = std::max<std::size_t>(messages_max, 1);
    auto page = co_await pages_.read(std::move(query));
    out.messages.assign(page.chunk.rbegin(), page.chunk.rend());
    out.end = page.start;
    out.start = page.end.value_or(page.start);
    out.state = co_await states_.state(user_id, room_id);
    out.published = co_await directory_.is_public(room_id.str());
    if (!access.standing.joined && !access.standing.former) co_return out;

    const auto tags = co_await sources_.account_data.tags(user_id);
    if (const auto found = tags->find(room_id.str()); found != tags->end()) {
        out.account_data.push_back(typed_event("m.tag", tag_content(found->second)));
    }
    const auto data = co_await sources_.account_data.room(user_id, room_id.str());
    for (const auto& [type, content] : *data) {
        out.account_data.push_back(typed_event(type, content));
    }
    if (access.standing.joined) {
        const auto content = receipt_content(*co_await sources_.receipts.of_room(room_id.str()), user_id);
        if (!content.empty()) out.receipts.push_back(in_room("m.receipt", room_id.str(), content));
    }
    co_return out;
}

Task<UserSnapshot> OldSync::everything(std::string user_id, std::size_t messages_max, bool archived) {
    UserSnapshot out;
    out.end = next_token(sources_, std::nullopt);
    const auto rooms = co_await sources_.states.rooms_of_user(user_id);
    const bool invites_hidden = co_await blocks_invites(sources_.account_data, user_id);
    const auto ignored = co_await ignored_users(sources_.account_data, user_id);
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "invite") {
            if (invites_hidden || ignored.contains(room.sender)) continue;
            RoomSnapshot invited{room_id};
            invited.membership = room.membership;
            std::vector<proto::EventId> ids{room.event_id};
            const auto found = co_await sources_.events.get_stored(std::move(ids));
            if (!found.empty()) invited.invite = found.front();
            out.rooms.push_back(std::move(invited));
        } else if (room.membership == "join" || (archived && !room.forgotten && room.membership == "leave")) {
            try {
                out.rooms.push_back(co_await this->room(user_id, room_id, messages_max));
            } catch (const core::MatrixError&) {
                // Left without ever having been in it: there is nothing to show.
            }
        }
    }
    out.presence = co_await presence_of_others(user_id);
    const auto data = co_await sources_.account_data.global(user_id);
    for (const auto& [type, content] : *data) {
        if (type != "m.push_rules") out.account_data.push_back(typed_event(type, content));
    }
    const auto rules = co_await sources_.push_actions.ruleset(user_id);
    out.account_data.push_back(typed_event("m.push_rules", proto::to_json(rules->to_json())));
    co_return out;
}

Task<EventsSince> OldSync::events(std::string user_id, std::optional<SyncToken> from, std::int64_t timeout_ms,
                                  std::optional<proto::RoomId> room_id) {
    const auto guard = sources_.presence.user_syncs(user_id, "online");
    const auto started = sources_.clock.monotonic_ms();
    const auto timeout = std::min(timeout_ms, kTimeoutMaxMs);
    bool peeking = false;
    if (room_id) {
        const auto access = co_await access_.require(user_id, *room_id);
        peeking = !access.standing.joined;
        if (peeking && !access.world_readable) throw core::MatrixError::forbidden("You are not in this room");
    }
    auto start = from.value_or(next_token(sources_, std::nullopt));
    forget_restarted_streams(sources_, start);
    for (;;) {
        const auto mine = co_await sources_.states.rooms_of_user(user_id);
        const auto listener = sources_.notifier.listen(user_id, mine);
        const auto generation = listener->generation;
        std::vector<proto::RoomId> rooms;
        if (room_id) {
            rooms.push_back(*room_id);
        } else {
            for (const auto& [id, room] : *mine) {
                if (room.membership == "join" || !start.room.covers(room.writer, room.stream_ordering)) rooms.push_back(id);
            }
        }
        auto found = co_await look(user_id, start, rooms);
        const auto left = timeout - (sources_.clock.monotonic_ms() - started);
        if (!found.events.empty() || left <= 0 || ending_) co_return found;
        co_await sources_.notifier.wait(listener, generation,
                                        peeking ? std::min(left, kPeekIntervalMs) : left);
    }
}

Task<EventsSince> OldSync::look(std::string user_id, SyncToken from, const std::vector<proto::RoomId>& rooms) {
    EventsSince out;
    out.start = from;
    out.end = next_token(sources_, from);
    for (const auto& room_id : rooms) {
        if (!sources_.events_stream.changes().has_changed(room_id.str(), from.room.min())) continue;
        const auto recent =
            co_await sources_.events.recent_events(room_id, from.room, out.end.room, kEventsOfRoomMax);
        std::vector<proto::EventId> ids;
        for (const auto& entry : recent.entries) ids.push_back(entry.event_id);
        auto events = co_await sources_.visibility.visible(
            user_id, co_await sources_.events.get_stored(std::move(ids)));
        out.events.insert(out.events.end(), events.begin(), events.end());
    }
    const auto ignored = co_await ignored_users(sources_.account_data, user_id);
    remove_ignored(out.events, ignored);
    std::sort(out.events.begin(), out.events.end(), [](const auto& a, const auto& b) {
        return a->event->stream_ordering() < b->event->stream_ordering();
    });
    co_return out;
}

/// Of everybody the user shares a room with and who is not offline.
Task<std::vector<std::string>> OldSync::presence_of_others(std::string user_id) {
    std::vector<std::string> out;
    if (!sources_.presence.enabled()) co_return out;
    auto users = co_await sources_.states.users_sharing_rooms(user_id);
    for (const auto& state : co_await sources_.presence.states(std::move(users))) {
        if (state.state == "offline") continue;
        auto content = sources_.presence.content(state);
        content["user_id"] = state.user_id;
        out.push_back(proto::to_json(json::object{
            {"type", "m.presence"}, {"sender", state.user_id}, {"content", std::move(content)}}));
    }
    co_return out;
}

Task<storage::StoredEventPtr> OldSync::event(std::string user_id, proto::EventId event_id) {
    const auto known = co_await sources_.events.get_event(event_id);
    if (!known) throw core::MatrixError::not_found("Event not found.");
    co_return co_await reader_.event(EventQuery{std::move(user_id), known->room_id(), std::move(event_id)});
}

void OldSync::end_polls() {
    ending_ = true;
    sources_.notifier.wake_all();
}

}  // namespace weft::handlers
