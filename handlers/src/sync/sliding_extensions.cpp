// Extensions of sliding sync: what is not of the rooms themselves.
#include <algorithm>

#include "sync/sliding_impl.hpp"
#include "sync/sync_answer.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

namespace json = boost::json;

/// Devices whose key counts are remembered; forgetting them costs a poll that ends later.
constexpr std::size_t kKeysToldMax = 50'000;

bool names(const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end() ||
           std::find(list.begin(), list.end(), "*") != list.end();
}

bool covers(const SlidingExtension& extension, const std::string& room_id, const SlidingWanted& room) {
    if (!extension.lists && !extension.rooms) return true;
    const bool by_list =
        !room.lists.empty() &&
        (!extension.lists || std::any_of(room.lists.begin(), room.lists.end(),
                                         [&](const auto& list) { return names(*extension.lists, list); }));
    return by_list || (room.subscribed && (!extension.rooms || names(*extension.rooms, room_id)));
}

}  // namespace

Task<void> SlidingSync::Impl::add_extensions(const SlidingSyncRequest& request,
                                             const SlidingWantedRooms& wanted, SlidingAnswer& answer) {
    if (request.to_device.enabled) co_await add_to_device(request, answer);
    if (request.e2ee) co_await add_keys(request, answer);
    if (request.account_data.enabled) co_await add_account_data(request, wanted, answer);
    if (request.receipts.enabled) co_await add_receipts(request, wanted, answer);
    if (request.typing.enabled) add_typing(request, wanted, answer);
}

/// To-device messages have a token of their own, which is the client's word that it has everything up to it.
Task<void> SlidingSync::Impl::add_to_device(const SlidingSyncRequest& request, SlidingAnswer& answer) {
    SlidingAnswer::ToDevice out;
    out.next = request.to_device.since;
    if (!request.device_id.empty()) {
        const auto since = request.to_device.since;
        if (since > 0) co_await sources.to_device.delete_messages(request.user_id, request.device_id, since);
        const auto upto = std::max(answer.next.to_device, since);
        auto batch = co_await sources.to_device.get_messages(request.user_id, request.device_id, since, upto,
                                                             request.to_device.limit);
        out.events = std::move(batch.messages);
        out.next = batch.upto;
    }
    answer.to_device = std::move(out);
}

Task<void> SlidingSync::Impl::add_keys(const SlidingSyncRequest& request, SlidingAnswer& answer) {
    SlidingAnswer::Keys out;
    if (!request.device_id.empty()) {
        out.counts = co_await sources.e2e_keys.counts(request.user_id, request.device_id);
        const storage::KeyPair device{request.user_id, request.device_id};
        const auto told = keys_told.find(device);
        out.counts_changed = told != keys_told.end() && *told->second != *out.counts;
        if (told == keys_told.end()) keys_told.emplace(device, out.counts);
    }
    // Only devices and memberships can have changed whose devices are to be looked at.
    const bool people = request.pos && (request.pos->streams.device_lists < answer.next.device_lists ||
                                        members_changed_after(request.pos->streams.room.min()));
    if (people) {
        auto changes = co_await device_lists.since(request.user_id, request.pos->streams);
        out.changed = std::move(changes.changed);
        out.left = std::move(changes.left);
    }
    answer.keys = std::move(out);
}

/// Whether anybody may have come into a room or left one since; known from when this was asked first.
bool SlidingSync::Impl::members_changed_after(std::int64_t token) {
    if (!members_known_from) members_known_from = sources.events_stream.current();
    return token < *members_known_from || token < newest_member;
}

void SlidingSync::Impl::note_keys_told(const SlidingSyncRequest& request, const SlidingAnswer& answer) {
    if (!answer.keys || !answer.keys->counts) return;
    if (keys_told.size() >= kKeysToldMax) keys_told.clear();
    keys_told.insert_or_assign({request.user_id, request.device_id}, answer.keys->counts);
}

Task<void> SlidingSync::Impl::add_account_data(const SlidingSyncRequest& request,
                                               const SlidingWantedRooms& wanted, SlidingAnswer& answer) {
    SlidingAnswer::AccountData out;
    const auto since = request.pos ? std::optional{request.pos->streams} : std::nullopt;
    storage::UserAccountData data;
    if (!since) {
        data.global = *co_await sources.account_data.global(request.user_id);
    } else if (sources.account_data.has_changed(request.user_id, since->account_data)) {
        data = co_await sources.account_data.changed(request.user_id, since->account_data,
                                                     answer.next.account_data);
    }
    for (const auto& [type, content] : data.global) {
        if (type != "m.push_rules") out.global.push_back(typed_event(type, content));
    }
    if (!since || sources.push_rules_stream.changes().has_changed(request.user_id, since->push_rules)) {
        const auto rules = co_await sources.push_actions.ruleset(request.user_id);
        out.global.push_back(typed_event("m.push_rules", proto::to_json(rules->to_json())));
    }
    for (const auto& [room_id, room] : wanted) {
        if (!covers(request.account_data, room_id, room)) continue;
        storage::AccountDataByType of_room;
        std::optional<storage::TagsOfRoom> tags;
        if (room.initial) {
            of_room = *co_await sources.account_data.room(request.user_id, room_id);
            const auto all = co_await sources.account_data.tags(request.user_id);
            if (const auto found = all->find(room_id); found != all->end()) tags = found->second;
        } else if (sources.account_data.has_changed(request.user_id, room.from.account_data)) {
            const auto changed = co_await sources.account_data.changed(
                request.user_id, room.from.account_data, answer.next.account_data);
            if (const auto found = changed.rooms.find(room_id); found != changed.rooms.end())
                of_room = found->second;
            const auto changed_tags = co_await sources.account_data.changed_tags(
                request.user_id, room.from.account_data, answer.next.account_data);
            if (const auto found = changed_tags.find(room_id); found != changed_tags.end())
                tags = found->second;
        }
        if (of_room.empty() && !tags) continue;
        auto& events = out.rooms[room_id];
        if (tags) events.push_back(typed_event("m.tag", tag_content(*tags)));
        for (const auto& [type, content] : of_room) events.push_back(typed_event(type, content));
    }
    answer.account_data = std::move(out);
}

/// Of a room that is new to the client, receipts for what it is shown, and the user's own.
Task<void> SlidingSync::Impl::add_receipts(const SlidingSyncRequest& request,
                                           const SlidingWantedRooms& wanted, SlidingAnswer& answer) {
    SlidingAnswer::Ephemeral out;
    for (const auto& [room_id, room] : wanted) {
        if (room.room.standing != SlidingStanding::kJoined || !covers(request.receipts, room_id, room))
            continue;
        storage::ReceiptList list;
        if (room.initial) {
            const auto shown = answer.rooms.find(room_id);
            const auto receipts = co_await sources.receipts.of_room(room_id);
            for (const auto& receipt : *receipts) {
                const bool own = receipt->user_id == request.user_id;
                const bool on_shown =
                    shown != answer.rooms.end() &&
                    shown->second.timeline.shows(proto::EventId::trusted(receipt->event_id));
                if (own || on_shown) list.push_back(receipt);
            }
        } else {
            list = room.receipts;
        }
        const auto content = receipt_content(list, request.user_id);
        if (!content.empty()) out.emplace(room_id, typed_event("m.receipt", proto::to_json(content)));
    }
    answer.receipts = std::move(out);
}

void SlidingSync::Impl::add_typing(const SlidingSyncRequest& request, const SlidingWantedRooms& wanted,
                                   SlidingAnswer& answer) const {
    SlidingAnswer::Ephemeral out;
    for (const auto& [room_id, room] : wanted) {
        if (room.room.standing != SlidingStanding::kJoined || !covers(request.typing, room_id, room))
            continue;
        const auto typing = sources.typing.typing_in(room_id);
        const bool changed = room.initial
                                 ? !typing.empty()
                                 : sources.typing_stream.changes().has_changed(room_id, room.from.typing);
        if (!changed) continue;
        json::array users;
        for (const auto& user_id : typing) users.emplace_back(user_id);
        out.emplace(room_id,
                    typed_event("m.typing", proto::to_json(json::object{{"user_ids", std::move(users)}})));
    }
    answer.typing = std::move(out);
}

}  // namespace weft::handlers
