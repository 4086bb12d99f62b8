// Lists of sliding sync: which rooms there are, in which order, and which of them are in windows.
#include <algorithm>

#include "sync/sliding_impl.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"
#include "weft/handlers/reading/ignored_users.hpp"
#include "weft/handlers/user_data/invite_permission.hpp"

namespace weft::handlers {
namespace {

namespace event_type = proto::event_type;

SlidingStanding standing_of(const std::string& membership) {
    if (membership == "join") return SlidingStanding::kJoined;
    if (membership == "invite" || membership == "knock") return SlidingStanding::kPending;
    return SlidingStanding::kLeft;
}

void merge(SlidingRoomConfig& into, const SlidingRoomConfig& more) {
    into.timeline_limit = std::max(into.timeline_limit, more.timeline_limit);
    for (const auto& required : more.required_state) {
        if (std::find(into.required_state.begin(), into.required_state.end(), required) ==
            into.required_state.end()) {
            into.required_state.push_back(required);
        }
    }
    std::sort(into.required_state.begin(), into.required_state.end());
}

bool has_any_tag(const storage::TagsOfRoom& tags, const std::vector<std::string>& wanted) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const auto& tag) { return tags.contains(tag); });
}

/// What an invite tells of the room's state: an event's content by its type.
const proto::json::object* stripped_content(const proto::Event& member, std::string_view type) {
    for (const auto* const key : {"invite_room_state", "knock_room_state"}) {
        const auto* const list = proto::get_array(member.unsigned_data(), key);
        if (!list) continue;
        for (const auto& item : *list) {
            const auto* const event = item.if_object();
            if (event && proto::get_string(*event, "type") == type)
                return proto::get_object(*event, "content");
        }
    }
    return nullptr;
}

std::string lower(std::string_view text) {
    std::string out{text};
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

}  // namespace

Task<SlidingSync::Impl::UserFacts> SlidingSync::Impl::user_facts(const std::string& user_id) {
    UserFacts facts;
    facts.tags = co_await sources.account_data.tags(user_id);
    const auto direct = co_await sources.account_data.global_by_type(user_id, "m.direct");
    const auto parsed =
        direct ? proto::parse_json_object(*direct) : core::Result<proto::json::object>{proto::json::object{}};
    if (!parsed) co_return facts;
    for (const auto& [other, rooms] : *parsed) {
        const auto* const list = rooms.if_array();
        if (!list) continue;
        for (const auto& room : *list) {
            if (const auto* const id = room.if_string())
                facts.direct.insert(std::string{std::string_view{*id}});
        }
    }
    co_return facts;
}

/// Newest first. A room that was left is there once, to say so, if the client has it or the user was removed.
Task<std::vector<SlidingRoom>> SlidingSync::Impl::sorted_rooms(const SlidingSyncRequest& request,
                                                               const SlidingConnectionState& state,
                                                               storage::UserRoomsPtr rooms) {
    std::vector<SlidingRoom> out;
    std::vector<std::string> joined;
    const bool invites_hidden = co_await blocks_invites(sources.account_data, request.user_id);
    const auto ignored = co_await ignored_users(sources.account_data, request.user_id);
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "invite" && (invites_hidden || ignored.contains(room.sender))) continue;
        const auto standing = standing_of(room.membership);
        if (standing == SlidingStanding::kLeft) {
            const auto known = state.rooms.find(room_id.str());
            const bool told = known == state.rooms.end() || known->second.standing == SlidingStanding::kLeft;
            if (!request.pos || told || room.forgotten) continue;
        }
        if (standing == SlidingStanding::kJoined) joined.push_back(room_id.str());
        out.push_back({room, standing, room.stream_ordering});
    }
    const auto newest = co_await recency.of_rooms(std::move(joined));
    for (auto& room : out) {
        if (room.standing != SlidingStanding::kJoined) continue;
        const auto found = newest.find(room.room.room_id.str());
        if (found != newest.end() && found->second > 0) room.recency = found->second;
    }
    std::sort(out.begin(), out.end(), [](const SlidingRoom& a, const SlidingRoom& b) {
        return a.recency != b.recency ? a.recency > b.recency : a.room.room_id < b.room.room_id;
    });
    co_return out;
}

Task<std::unordered_set<std::string>> SlidingSync::Impl::children_of(std::vector<std::string> spaces) {
    std::unordered_set<std::string> out;
    for (const auto& space : spaces) {
        const auto space_id = proto::RoomId::parse(space);
        if (!space_id) continue;
        const auto state = co_await sources.states.current_state(*space_id);
        for (const auto& [key, id] : state->events) {
            if (key.type() == event_type::kSpaceChild) out.insert(key.state_key());
        }
    }
    co_return out;
}

Task<bool> SlidingSync::Impl::matches_state(const SlidingFilters& filters, const SlidingRoom& room) {
    const auto& id = room.room.room_id;
    const auto state = co_await sources.states.current_state(id);
    const auto member = room.standing == SlidingStanding::kPending
                            ? co_await sources.events.get_event(room.room.event_id)
                            : nullptr;
    const auto content = [&](std::string_view type) -> Task<proto::json::object> {
        if (member) {
            const auto* const told = stripped_content(*member, type);
            co_return told ? *told : proto::json::object{};
        }
        const auto* const event_id = state->find(type);
        const auto event = event_id ? co_await sources.events.get_event(*event_id) : nullptr;
        co_return event ? event->content() : proto::json::object{};
    };
    if (filters.is_encrypted) {
        const auto encryption = co_await content(event_type::kEncryption);
        if (encryption.contains("algorithm") != *filters.is_encrypted) co_return false;
    }
    if (filters.room_types || !filters.not_room_types.empty()) {
        const auto create = co_await content(event_type::kCreate);
        const auto text = proto::get_string(create, "type");
        const std::optional<std::string> type = text ? std::optional{std::string{*text}} : std::nullopt;
        const auto has = [&](const auto& list) {
            return std::find(list.begin(), list.end(), type) != list.end();
        };
        if ((filters.room_types && !has(*filters.room_types)) || has(filters.not_room_types)) co_return false;
    }
    if (filters.name_like) {
        const auto name = co_await content(event_type::kName);
        if (lower(proto::get_string(name, "name").value_or("")).find(lower(*filters.name_like)) ==
            std::string::npos)
            co_return false;
    }
    co_return true;
}

Task<std::vector<const SlidingRoom*>> SlidingSync::Impl::filtered(const SlidingFilters& filters,
                                                                  const std::vector<SlidingRoom>& rooms,
                                                                  const UserFacts& facts) {
    const bool by_state =
        filters.is_encrypted || filters.room_types || !filters.not_room_types.empty() || filters.name_like;
    const auto children =
        filters.spaces ? co_await children_of(*filters.spaces) : std::unordered_set<std::string>{};
    std::vector<const SlidingRoom*> out;
    for (const auto& room : rooms) {
        const auto& id = room.room.room_id.str();
        if (filters.is_dm && facts.direct.contains(id) != *filters.is_dm) continue;
        if (filters.is_invite && (room.room.membership == "invite") != *filters.is_invite) continue;
        if (filters.spaces && !children.contains(id)) continue;
        const auto tags = facts.tags->find(id);
        const auto& of_room = tags == facts.tags->end() ? storage::TagsOfRoom{} : tags->second;
        if (filters.tags && !has_any_tag(of_room, *filters.tags)) continue;
        if (has_any_tag(of_room, filters.not_tags)) continue;
        if (by_state && !co_await matches_state(filters, room)) continue;
        out.push_back(&room);
    }
    co_return out;
}

Task<SlidingWantedRooms> SlidingSync::Impl::wanted_rooms(const SlidingSyncRequest& request,
                                                         const std::vector<SlidingRoom>& rooms,
                                                         const UserFacts& facts, SlidingAnswer& answer) {
    SlidingWantedRooms out;
    const auto want = [&](const SlidingRoom& room, const SlidingRoomConfig& config) -> SlidingWanted& {
        auto& wanted = out.try_emplace(room.room.room_id.str(),
                                       SlidingWanted{room, {}, {}, false, {}, false, false, false, {}, {}, false})
                           .first->second;
        merge(wanted.config, config);
        return wanted;
    };
    for (const auto& [name, list] : request.lists) {
        const auto found = co_await filtered(list.filters, rooms, facts);
        auto& listed = answer.lists[name];
        listed.count = found.size();
        for (const auto& range : list.ranges) {
            SlidingListAnswer::Window window{range, {}};
            for (auto place = range.first; place <= range.second && place < found.size(); ++place) {
                want(*found[place], list.rooms).lists.insert(name);
                window.rooms.push_back(found[place]->room.room_id.str());
            }
            listed.windows.push_back(std::move(window));
        }
    }
    for (const auto& subscription : request.subscriptions) {
        const auto room = std::find_if(rooms.begin(), rooms.end(), [&](const auto& item) {
            return item.room.room_id.str() == subscription.first;
        });
        // Of rooms that are none of the user's nothing is told.
        if (room != rooms.end()) want(*room, subscription.second).subscribed = true;
    }
    // Whoever was in a room that the client has wants to know that they are not any more, wherever it would
    // stand.
    for (const auto& room : rooms) {
        if (room.standing == SlidingStanding::kLeft) want(room, {});
    }
    co_return out;
}

/// Where each room is told from, by what the client was sent of it.
void SlidingSync::Impl::place(SlidingWantedRooms& wanted, const SlidingSyncRequest& request,
                              const SlidingConnectionState& state) {
    for (auto& [room_id, room] : wanted) {
        const auto sent = state.rooms.find(room_id);
        const bool entered = sent != state.rooms.end() && sent->second.standing != room.room.standing &&
                             room.room.standing != SlidingStanding::kLeft;
        if (sent == state.rooms.end() || !request.pos || entered) {
            room.initial = true;
            continue;
        }
        room.from = sent->second.upto.value_or(request.pos->streams);
        room.expanded = room.config.timeline_limit > sent->second.timeline_limit;
        room.known = state.configs.at(sent->second.config);
        const auto& required = room.config.required_state;
        room.more_required =
            !std::includes(room.known.begin(), room.known.end(), required.begin(), required.end());
    }
}

/// Rooms that the client has and that are in no window now: if anything happened there, it is told of it when
/// they are.
Task<void> SlidingSync::Impl::note_missed(const SlidingSyncRequest& request, const SlidingWantedRooms& wanted,
                                          SlidingConnectionState& state) {
    if (!request.pos) co_return;
    const auto& since = request.pos->streams;
    storage::UserAccountData data;
    storage::TagsByRoom tags;
    if (sources.account_data.has_changed(request.user_id, since.account_data)) {
        const auto upto = sources.account_data.current();
        data = co_await sources.account_data.changed(request.user_id, since.account_data, upto);
        tags = co_await sources.account_data.changed_tags(request.user_id, since.account_data, upto);
    }
    for (auto& [room_id, room] : state.rooms) {
        if (room.upto || wanted.contains(room_id)) continue;
        const bool missed = sources.events_stream.changes().has_changed(room_id, since.room.min()) ||
                            sources.receipts.stream().changes().has_changed(room_id, since.receipts) ||
                            data.rooms.contains(room_id) || tags.contains(room_id);
        if (missed) room.upto = since;
    }
}

void SlidingSync::Impl::note_sent(const SlidingWantedRooms& wanted, SlidingConnectionState& state) {
    for (const auto& [room_id, room] : wanted) {
        auto& sent = state.rooms[room_id];
        // A client keeps what it has of a room when it asks for less.
        const auto limit = room.initial ? room.config.timeline_limit
                                        : std::max(sent.timeline_limit, room.config.timeline_limit);
        SlidingRoomConfig config{0, room.known};
        merge(config, room.config);
        sent =
            SlidingRoomState{room.room.standing, limit, state.place_of(config.required_state), std::nullopt};
    }
    state.drop_unused();
}

}  // namespace weft::handlers
