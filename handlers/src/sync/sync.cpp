#include "weft/handlers/sync/sync.hpp"

#include "sync/room_membership.hpp"
#include "sync/sync_room.hpp"
#include "weft/core/metrics.hpp"
#include "weft/proto/client_event.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {
namespace {

namespace json = boost::json;

constexpr std::int64_t kTimeoutMaxMs = 600'000;
constexpr std::size_t kToDeviceMax = 100;

/// `{"type":…,"content":…}` with content that is JSON text already.
std::string typed_event(std::string_view type, std::string_view content_json) {
    std::string out = R"({"type":)";
    proto::append_json_string(out, type);
    out += R"(,"content":)";
    out += content_json;
    out += '}';
    return out;
}

/// Everything of one answer, collected before it is written.
struct Answer {
    SyncToken next;
    std::vector<SyncRoom> joined;
    std::vector<SyncRoom> left;
    std::vector<std::pair<proto::RoomId, std::string>> invited;  // with the events' JSON array
    std::vector<std::pair<proto::RoomId, std::string>> knocked;
    std::vector<std::string> presence;
    std::vector<std::string> account_data;
    std::vector<std::string> to_device;
    std::vector<std::string> devices_changed;
    std::vector<std::string> devices_left;

    bool empty() const {
        return joined.empty() && left.empty() && invited.empty() && knocked.empty() && presence.empty() && account_data.empty() &&
               to_device.empty() && devices_changed.empty() && devices_left.empty();
    }
};

void write_event_list(proto::JsonWriter& writer, std::string_view name, const std::vector<std::string>& events) {
    if (events.empty()) return;
    writer.key(name).begin_object().key("events").begin_array();
    for (const auto& event : events) writer.raw(event);
    writer.end_array().end_object();
}

void write_strings(proto::JsonWriter& writer, std::string_view name, const std::vector<std::string>& values) {
    writer.key(name).begin_array();
    for (const auto& value : values) writer.value(value);
    writer.end_array();
}

void write_pending(proto::JsonWriter& writer, std::string_view section, std::string_view name,
                   const std::vector<std::pair<proto::RoomId, std::string>>& rooms) {
    if (rooms.empty()) return;
    writer.key(section).begin_object();
    for (const auto& [room_id, events] : rooms) {
        writer.key(room_id.str()).begin_object().key(name).begin_object().key("events").raw(events).end_object().end_object();
    }
    writer.end_object();
}

std::string write_answer(const Answer& answer, const EventViewer& viewer) {
    proto::JsonWriter writer{1024};
    writer.begin_object().member("next_batch", answer.next.to_string());
    writer.key("device_one_time_keys_count").raw("{}").key("device_unused_fallback_key_types").raw("[]");
    write_event_list(writer, "account_data", answer.account_data);
    write_event_list(writer, "to_device", answer.to_device);
    write_event_list(writer, "presence", answer.presence);
    if (!answer.devices_changed.empty() || !answer.devices_left.empty()) {
        writer.key("device_lists").begin_object();
        write_strings(writer, "changed", answer.devices_changed);
        write_strings(writer, "left", answer.devices_left);
        writer.end_object();
    }
    if (!answer.joined.empty() || !answer.left.empty() || !answer.invited.empty() || !answer.knocked.empty()) {
        writer.key("rooms").begin_object();
        if (!answer.joined.empty()) {
            writer.key("join").begin_object();
            for (const auto& room : answer.joined) {
                writer.key(room.room_id.str());
                write_joined_room(writer, room, viewer);
            }
            writer.end_object();
        }
        write_pending(writer, "invite", "invite_state", answer.invited);
        write_pending(writer, "knock", "knock_state", answer.knocked);
        if (!answer.left.empty()) {
            writer.key("leave").begin_object();
            for (const auto& room : answer.left) {
                writer.key(room.room_id.str());
                write_left_room(writer, room, viewer);
            }
            writer.end_object();
        }
        writer.end_object();
    }
    writer.end_object();
    return writer.take();
}

}  // namespace

struct Sync::Impl {
    explicit Impl(SyncSources from)
        : sources{std::move(from)},
          membership{sources.events, sources.states, sources.events_stream},
          timelines{sources.events, sources.visibility},
          chooser{sources.events, sources.states, lazy},
          initial_syncs{core::counter("weft_sync_initial_total", "Answers to syncs without a token")},
          incremental_syncs{core::counter("weft_sync_incremental_total", "Answers to syncs with a token")} {}

    SyncToken now() const {
        SyncToken token;
        token.room = sources.events_stream.current();
        token.presence = sources.presence_stream.current();
        token.typing = sources.typing_stream.current();
        token.receipts = sources.receipts.stream().current();
        token.account_data = sources.account_data.current();
        token.push_rules = sources.push_rules_stream.current();
        token.to_device = sources.to_device.stream().current();
        token.device_lists = sources.devices.stream().shared_current();
        return token;
    }

    Task<std::string> run(SyncRequest request) {
        const auto guard = sources.presence.user_syncs(request.user_id, request.set_presence);
        const auto started = sources.clock.monotonic_ms();
        const auto timeout = std::min(std::max<std::int64_t>(request.timeout_ms, 0), kTimeoutMaxMs);
        EventViewer viewer{request.user_id, request.device_id, sources.clock.now_ms(), false, request.filter->event_fields,
                           request.filter->event_format};
        (request.since ? incremental_syncs : initial_syncs).increment();
        for (;;) {
            const auto listener = sources.notifier.listen(request.user_id, co_await sources.states.rooms_of_user(request.user_id));
            const auto generation = listener->generation;
            // The token comes first: what happens while we read belongs to the next answer, and is never passed over.
            const auto next = now();
            const auto answer = co_await collect(request, next);
            const auto left = timeout - (sources.clock.monotonic_ms() - started);
            viewer.now_ms = sources.clock.now_ms();
            if (!request.since || request.full_state || !answer.empty() || left <= 0 || ending) co_return write_answer(answer, viewer);
            co_await sources.notifier.wait(listener, generation, left);
        }
    }

    Task<Answer> collect(const SyncRequest& request, SyncToken next) {
        Answer answer;
        answer.next = next;
        const auto rooms = co_await sources.states.rooms_of_user(request.user_id);
        co_await collect_rooms(request, rooms, answer);
        co_await collect_account_data(request, answer);
        co_await collect_presence(request, rooms, answer);
        co_await collect_to_device(request, answer);
        co_await collect_device_lists(request, rooms, answer);
        co_return answer;
    }

    Task<std::unordered_set<std::string>> ignored_users(const std::string& user_id) {
        std::unordered_set<std::string> out;
        const auto content = co_await sources.account_data.global_by_type(user_id, "m.ignored_user_list");
        if (!content) co_return out;
        const auto parsed = proto::parse_json_object(*content);
        const auto* users = parsed ? proto::get_object(*parsed, "ignored_users") : nullptr;
        if (!users) co_return out;
        for (const auto& entry : *users) out.insert(std::string{entry.key()});
        out.erase(user_id);
        co_return out;
    }

    /// Joined rooms in which something may have happened since the token; the rest needs no look.
    bool may_have_news(const SyncRequest& request, const SyncRooms::Joined& room, const storage::UserAccountData& account_data,
                       const storage::TagsByRoom& tags) const {
        if (!request.since || request.full_state || room.newly) return true;
        const auto& id = room.room_id.str();
        return sources.events_stream.changes().has_changed(id, request.since->room) ||
               sources.typing_stream.changes().has_changed(id, request.since->typing) ||
               sources.receipts.stream().changes().has_changed(id, request.since->receipts) || account_data.rooms.contains(id) ||
               tags.contains(id);
    }

    Task<void> collect_rooms(const SyncRequest& request, storage::UserRoomsPtr user_rooms, Answer& answer) {
        const auto& filter = *request.filter;
        auto rooms = request.since ? co_await membership.since(request.user_id, user_rooms, request.since->room, answer.next.room,
                                                               filter.room.include_leave)
                                   : co_await membership.initial(user_rooms, answer.next.room, filter.room.include_leave);
        storage::UserAccountData account_data;
        storage::TagsByRoom tags;
        if (!request.since) {
            account_data = co_await sources.account_data.all(request.user_id);
            tags = *co_await sources.account_data.tags(request.user_id);
        } else if (sources.account_data.has_changed(request.user_id, request.since->account_data)) {
            account_data = co_await sources.account_data.changed(request.user_id, request.since->account_data, answer.next.account_data);
            tags = co_await sources.account_data.changed_tags(request.user_id, request.since->account_data, answer.next.account_data);
        }
        for (const auto& [type, content] : account_data.global) {
            if (type != "m.push_rules" && filter.account_data.matches(type)) answer.account_data.push_back(typed_event(type, content));
        }

        std::erase_if(rooms.joined, [&](const SyncRooms::Joined& room) {
            return !filter.matches_room(room.room_id.str()) || !may_have_news(request, room, account_data, tags);
        });
        std::erase_if(rooms.left, [&](const SyncRooms::Left& room) { return !filter.matches_room(room.room_id.str()); });
        const auto ignored = co_await ignored_users(request.user_id);
        co_await collect_joined(request, user_rooms, rooms.joined, ignored, account_data, tags, answer);
        co_await collect_left(request, rooms.left, ignored, answer);
        answer.invited = co_await pending_rooms(rooms.invited, "invite_room_state", ignored, filter);
        answer.knocked = co_await pending_rooms(rooms.knocked, "knock_room_state", {}, filter);
    }

    Task<std::vector<std::pair<proto::RoomId, std::string>>> pending_rooms(std::vector<SyncRooms::Pending> pending, std::string_view state_key,
                                                                          const std::unordered_set<std::string>& ignored,
                                                                          const proto::FilterDefinition& filter) {
        std::vector<std::pair<proto::RoomId, std::string>> out;
        for (const auto& room : pending) {
            if (!filter.matches_room(room.room_id.str())) continue;
            const auto event = co_await sources.events.get_event(room.event_id);
            if (!event || ignored.contains(event->sender().str())) continue;
            json::array events;
            if (const auto* state = proto::get_array(event->unsigned_data(), state_key)) events = *state;
            events.push_back(proto::stripped_state(*event));
            out.emplace_back(room.room_id, proto::to_json(json::value{std::move(events)}));
        }
        co_return out;
    }

    Task<void> collect_joined(const SyncRequest& request, storage::UserRoomsPtr user_rooms, const std::vector<SyncRooms::Joined>& joined,
                              const std::unordered_set<std::string>& ignored, const storage::UserAccountData& account_data,
                              const storage::TagsByRoom& tags, Answer& answer) {
        if (joined.empty()) co_return;
        const auto& filter = *request.filter;
        std::vector<proto::RoomId> ids;
        std::vector<TimelineWanted> wanted;
        for (const auto& room : joined) {
            ids.push_back(room.room_id);
            const bool from_start = !request.since || room.newly;
            const auto since = from_start ? 0 : request.since->room;
            // Nothing new in the room itself: only receipts, typing or account data brought it here.
            const bool quiet = !from_start && !request.full_state &&
                               !sources.events_stream.changes().has_changed(room.room_id.str(), since);
            if (!quiet) wanted.push_back({room.room_id, since, answer.next.room, !room.joined_throughout});
        }
        const auto states = co_await sources.states.current_states(ids);
        mark_joined_throughout(*user_rooms, wanted);
        auto timelines_by_room = co_await timelines.load(std::move(wanted), request.user_id, filter.room.timeline, ignored);
        const auto ephemeral = co_await collect_ephemeral(request, joined, answer);

        const auto device = request.user_id + '\x1f' + request.device_id;
        if (!request.since) lazy.reset(device);
        std::vector<std::vector<proto::EventId>> chosen;
        std::vector<proto::EventId> all_state;
        std::vector<RoomTimeline> room_timelines;
        for (const auto& room : joined) {
            auto timeline = timelines_by_room.contains(room.room_id) ? std::move(timelines_by_room.at(room.room_id)) : RoomTimeline{};
            if (timeline.prev_batch.empty()) timeline.prev_batch = storage::RoomToken{std::nullopt, answer.next.room}.to_string();
            RoomStateChooser::Wanted state{&filter,
                                           request.user_id,
                                           device,
                                           !request.since || request.full_state || room.newly,
                                           request.since ? request.since->room : 0,
                                           answer.next.room};
            auto choice = co_await chooser.choose(std::move(state), room.room_id, timeline, states.at(room.room_id));
            all_state.insert(all_state.end(), choice.begin(), choice.end());
            chosen.push_back(std::move(choice));
            room_timelines.push_back(std::move(timeline));
        }
        const auto state_events = co_await sources.events.get_stored(std::move(all_state));
        std::unordered_map<proto::EventId, storage::StoredEventPtr> by_id;
        for (const auto& stored : state_events) by_id.emplace(stored->event->event_id(), stored);

        for (std::size_t i = 0; i < joined.size(); ++i) {
            SyncRoom room{joined[i].room_id, std::move(room_timelines[i]), {}, {}, {}, std::nullopt, std::nullopt};
            const auto& id = room.room_id.str();
            for (const auto& state_id : chosen[i]) {
                const auto found = by_id.find(state_id);
                if (found != by_id.end() && filter.room.state.matches(*found->second->event)) room.state.push_back(found->second);
            }
            if (const auto found = ephemeral.find(id); found != ephemeral.end()) room.ephemeral = found->second;
            if (const auto found = tags.find(id); found != tags.end() && filter.room.account_data.matches("m.tag")) {
                room.account_data.push_back(typed_event("m.tag", tag_content(found->second)));
            }
            if (const auto found = account_data.rooms.find(id); found != account_data.rooms.end()) {
                for (const auto& [type, content] : found->second) {
                    if (filter.room.account_data.matches(type)) room.account_data.push_back(typed_event(type, content));
                }
            }
            const bool from_start = !request.since || request.full_state || joined[i].newly;
            const auto& state = *states.at(room.room_id);
            if (from_start || members_changed(room)) room.summary = room_summary(state, request.user_id);
            if (room.empty() && !from_start) continue;
            room.unread = co_await sources.push_action_counts.unread(id, request.user_id);
            note_device_list_changes(request, room, joined[i].newly && request.since, state, answer);
            answer.joined.push_back(std::move(room));
        }
    }

    /// Where the user's membership is older than all that can be shown, each event is visible without a look at it.
    static void mark_joined_throughout(const storage::UserRooms& rooms, std::vector<TimelineWanted>& wanted) {
        for (auto& item : wanted) {
            const auto room = rooms.find(item.room_id);
            if (room != rooms.end() && room->second.membership == "join" && room->second.stream_ordering <= item.from) {
                item.check_visibility = false;
            }
        }
    }

    static std::string tag_content(const storage::TagsOfRoom& tags) {
        std::string out = R"({"tags":{)";
        for (const auto& [tag, content] : tags) {
            if (out.back() != '{') out += ',';
            proto::append_json_string(out, tag);
            out += ':';
            out += content;
        }
        return out + "}}";
    }

    static bool members_changed(const SyncRoom& room) {
        const auto is_member = [](const storage::StoredEventPtr& stored) {
            return stored->event->is_state() && stored->event->type() == proto::event_type::kMember;
        };
        return room.timeline.limited || std::any_of(room.timeline.events.begin(), room.timeline.events.end(), is_member);
    }

    /// People who came into or left a room the user is in: their devices are to be looked at, or not any more.
    static void note_device_list_changes(const SyncRequest& request, const SyncRoom& room, bool newly_joined, const storage::RoomState& state,
                                         Answer& answer) {
        if (!request.since) return;
        if (newly_joined) {
            for (const auto& [user_id, member] : state.members) {
                if (member.membership == "join" && user_id != request.user_id) answer.devices_changed.push_back(user_id);
            }
            return;
        }
        for (const auto& stored : room.timeline.events) {
            const auto& event = *stored->event;
            if (!event.is_state() || event.type() != proto::event_type::kMember || *event.state_key() == request.user_id) continue;
            const auto* before = proto::get_object(event.unsigned_data(), "prev_content");
            const auto old = before ? proto::get_string(*before, "membership").value_or("leave") : std::string_view{"leave"};
            const auto membership = event.membership().value_or("leave");
            if (membership == "join" && old != "join") answer.devices_changed.push_back(*event.state_key());
            if (membership != "join" && old == "join") answer.devices_left.push_back(*event.state_key());
        }
    }

    Task<std::unordered_map<std::string, std::vector<std::string>>> collect_ephemeral(const SyncRequest& request,
                                                                                      const std::vector<SyncRooms::Joined>& joined,
                                                                                      const Answer& answer) {
        std::unordered_map<std::string, std::vector<std::string>> out;
        const auto& filter = request.filter->room.ephemeral;
        std::vector<std::string> all_receipts;
        std::vector<std::string> new_receipts;
        for (const auto& room : joined) {
            const auto& id = room.room_id.str();
            const bool from_start = !request.since || room.newly;
            const bool typing_changed = from_start ? !sources.typing.typing_in(id).empty()
                                                   : sources.typing_stream.changes().has_changed(id, request.since->typing);
            if (typing_changed && filter.matches("m.typing")) {
                json::array users;
                for (const auto& user_id : sources.typing.typing_in(id)) users.emplace_back(user_id);
                out[id].push_back(typed_event("m.typing", proto::to_json(json::object{{"user_ids", std::move(users)}})));
            }
            if (!filter.matches("m.receipt")) continue;
            if (from_start) {
                all_receipts.push_back(id);
            } else if (sources.receipts.stream().changes().has_changed(id, request.since->receipts)) {
                new_receipts.push_back(id);
            }
        }
        std::unordered_map<std::string, storage::ReceiptList> receipts;
        if (!all_receipts.empty()) {
            const auto lists = co_await sources.receipts.of_rooms(all_receipts);
            for (std::size_t i = 0; i < all_receipts.size(); ++i) receipts[all_receipts[i]] = *lists[i];
        }
        if (!new_receipts.empty()) {
            for (auto& receipt : co_await sources.receipts.changed(new_receipts, request.since->receipts, answer.next.receipts)) {
                receipts[receipt->room_id].push_back(receipt);
            }
        }
        for (const auto& [room_id, list] : receipts) {
            auto content = receipt_content(list, request.user_id);
            if (!content.empty()) out[room_id].push_back(typed_event("m.receipt", proto::to_json(content)));
        }
        co_return out;
    }

    /// event → type → user → data; private receipts are for their user only.
    static json::object receipt_content(const storage::ReceiptList& receipts, const std::string& user_id) {
        json::object content;
        for (const auto& receipt : receipts) {
            if (receipt->type == "m.read.private" && receipt->user_id != user_id) continue;
            const auto data = proto::parse_json(receipt->data);
            auto& of_event = content[receipt->event_id];
            if (!of_event.is_object()) of_event = json::object{};
            auto& of_type = of_event.as_object()[receipt->type];
            if (!of_type.is_object()) of_type = json::object{};
            of_type.as_object()[receipt->user_id] = data ? *data : json::value{json::object{}};
        }
        return content;
    }

    Task<void> collect_left(const SyncRequest& request, const std::vector<SyncRooms::Left>& left, const std::unordered_set<std::string>& ignored,
                            Answer& answer) {
        for (const auto& room : left) {
            const auto event = co_await sources.events.get_event(room.event_id);
            if (!event) continue;
            SyncRoom out{room.room_id, {}, {}, {}, {}, std::nullopt, std::nullopt};
            std::vector<TimelineWanted> wanted{{room.room_id, room.shown_from, room.stream_ordering, true}};
            auto loaded = co_await timelines.load(std::move(wanted), request.user_id, request.filter->room.timeline, ignored);
            out.timeline = std::move(loaded.at(room.room_id));
            const auto after = co_await sources.states.state_after(room.event_id);
            if (after) {
                auto end = std::make_shared<storage::RoomState>();
                for (const auto& [key, id] : *after) end->set(key, id, "leave");
                const auto device = request.user_id + '\x1f' + request.device_id;
                const bool full = !request.since || request.full_state;
                RoomStateChooser::Wanted state{request.filter.get(), request.user_id, device, full, full ? 0 : request.since->room, answer.next.room};
                const auto choice = co_await chooser.choose(std::move(state), room.room_id, out.timeline, std::move(end));
                out.state = co_await sources.events.get_stored(choice);
            }
            answer.left.push_back(std::move(out));
            if (request.since) co_await note_people_left_behind(request, after, answer);
        }
    }

    /// Members of a room the user left whom they share no other room with.
    Task<void> note_people_left_behind(const SyncRequest& request, storage::StateMapPtr state, Answer& answer) {
        if (!state) co_return;
        std::vector<proto::EventId> members;
        for (const auto& [key, id] : *state) {
            if (key.type == proto::event_type::kMember && key.state_key != request.user_id) members.push_back(id);
        }
        for (const auto& member : co_await sources.events.get_events(std::move(members))) {
            if (member->membership() != "join") continue;
            if (!co_await sources.states.share_room(request.user_id, *member->state_key())) answer.devices_left.push_back(*member->state_key());
        }
    }

    Task<void> collect_account_data(const SyncRequest& request, Answer& answer) {
        if (!request.filter->account_data.matches("m.push_rules")) co_return;
        if (request.since && !sources.push_rules_stream.changes().has_changed(request.user_id, request.since->push_rules)) co_return;
        const auto rules = co_await sources.push_actions.ruleset(request.user_id);
        answer.account_data.push_back(typed_event("m.push_rules", proto::to_json(rules->to_json())));
    }

    Task<void> collect_presence(const SyncRequest& request, storage::UserRoomsPtr rooms, Answer& answer) {
        if (!sources.presence.enabled() || request.filter->presence.admits_nothing()) co_return;
        std::vector<std::string> users;
        if (request.since) {
            if (!sources.presence_stream.changes().has_any_changed(request.since->presence)) co_return;
            if (const auto changed = sources.presence_stream.changes().changed_after(request.since->presence)) {
                for (const auto& user_id : *changed) {
                    if (user_id == request.user_id || co_await shares_joined_room(*rooms, user_id)) users.push_back(user_id);
                }
            } else {
                users = co_await sources.states.users_sharing_rooms(request.user_id);
            }
        } else {
            users = co_await sources.states.users_sharing_rooms(request.user_id);
        }
        if (users.empty()) co_return;
        for (const auto& state : co_await sources.presence.states(std::move(users))) {
            if (!request.since && state.state == "offline") continue;
            if (!request.filter->presence.matches("m.presence", state.user_id)) continue;
            answer.presence.push_back(proto::to_json(
                json::object{{"type", "m.presence"}, {"sender", state.user_id}, {"content", sources.presence.content(state)}}));
        }
    }

    Task<bool> shares_joined_room(const storage::UserRooms& rooms, const std::string& other) {
        for (const auto& [room_id, room] : rooms) {
            if (room.membership != "join") continue;
            auto state = sources.states.cached_current_state(room_id);
            if (!state) state = co_await sources.states.current_state(room_id);
            if (state->membership(other) == "join") co_return true;
        }
        co_return false;
    }

    Task<void> collect_to_device(const SyncRequest& request, Answer& answer) {
        if (request.device_id.empty()) co_return;
        const auto from = request.since ? request.since->to_device : 0;
        // The token is the client's word that it has everything up to it.
        if (request.since) co_await sources.to_device.delete_messages(request.user_id, request.device_id, from);
        auto batch = co_await sources.to_device.get_messages(request.user_id, request.device_id, from, answer.next.to_device, kToDeviceMax);
        answer.to_device = std::move(batch.messages);
        answer.next.to_device = batch.upto;
    }

    Task<void> collect_device_lists(const SyncRequest& request, storage::UserRoomsPtr rooms, Answer& answer) {
        if (!request.since || !sources.devices.stream().changes().has_any_changed(request.since->device_lists)) co_return;
        std::vector<std::string> candidates;
        if (const auto changed = sources.devices.stream().changes().changed_after(request.since->device_lists)) {
            for (const auto& user_id : *changed) {
                if (!user_id.starts_with('@')) continue;
                if (user_id == request.user_id || co_await shares_joined_room(*rooms, user_id)) candidates.push_back(user_id);
            }
        } else {
            candidates = co_await sources.states.users_sharing_rooms(request.user_id);
            candidates.push_back(request.user_id);
        }
        if (candidates.empty()) co_return;
        auto changed = co_await sources.devices.users_changed(std::move(candidates), request.since->device_lists, answer.next.device_lists);
        answer.devices_changed.insert(answer.devices_changed.end(), changed.begin(), changed.end());
        std::sort(answer.devices_changed.begin(), answer.devices_changed.end());
        answer.devices_changed.erase(std::unique(answer.devices_changed.begin(), answer.devices_changed.end()), answer.devices_changed.end());
    }

    SyncSources sources;
    RoomMembership membership;
    LazyMembers lazy;
    TimelineLoader timelines;
    RoomStateChooser chooser;
    core::Counter initial_syncs;
    core::Counter incremental_syncs;
    bool ending = false;
};

Sync::Sync(SyncSources sources) : impl_{std::make_unique<Impl>(std::move(sources))} {}
Sync::~Sync() = default;

Task<std::string> Sync::sync(SyncRequest request) { return impl_->run(std::move(request)); }

void Sync::end_polls() {
    impl_->ending = true;
    impl_->sources.notifier.wake_all();
}

}  // namespace weft::handlers
