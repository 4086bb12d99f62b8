#include "weft/handlers/sync/sync.hpp"

#include "sync/stream_positions.hpp"
#include "sync/sync_impl.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

namespace json = boost::json;

constexpr std::int64_t kTimeoutMaxMs = 600'000;
constexpr std::size_t kToDeviceMax = 100;
/// Devices whose key counts are remembered; forgetting them costs a poll that ends later.
constexpr std::size_t kKeysToldMax = 50'000;

}  // namespace

Sync::Impl::Impl(SyncSources from)
    : sources{std::move(from)},
      membership{sources.events, sources.states, sources.events_stream},
      timelines{sources.events, sources.visibility},
      chooser{sources.events, sources.states, lazy},
      initial_syncs{core::counter("weft_sync_initial_total", "Answers to syncs without a token")},
      incremental_syncs{core::counter("weft_sync_incremental_total", "Answers to syncs with a token")} {}

Task<SyncBody> Sync::Impl::run(SyncRequest request) {
    const auto guard = sources.presence.user_syncs(request.user_id, request.set_presence);
    const auto started = sources.clock.monotonic_ms();
    const auto timeout = std::min(std::max<std::int64_t>(request.timeout_ms, 0), kTimeoutMaxMs);
    EventViewer viewer{request.user_id, request.device_id, 0, false, request.filter->event_fields, request.filter->event_format};
    (request.since ? incremental_syncs : initial_syncs).increment();
    if (!request.since) co_return co_await run_initial(std::move(request), std::move(viewer));
    forget_restarted_streams(sources, *request.since);
    for (bool timed_out = false;;) {
        const auto listener = sources.notifier.listen(request.user_id, co_await sources.states.rooms_of_user(request.user_id));
        const auto generation = listener->generation;
        // The token comes first: what happens while we read belongs to the next answer, and is never passed over.
        const auto next = next_token(sources, request.since);
        const auto answer = co_await collect(request, next);
        const auto left = timeout - (sources.clock.monotonic_ms() - started);
        viewer.now_ms = sources.clock.now_ms();
        const bool must_answer = request.full_state || left <= 0 || timed_out || ending;
        if (!must_answer && !answer.presence.empty() && answer.empty_but_presence()) {
            // Presence alone can wait a little: in a large room somebody always comes or goes.
            const auto hold_ms = sources.notifier.presence_hold_ms(*listener);
            if (hold_ms > 0) {
                co_await sources.notifier.wait(listener, generation, std::min(left, hold_ms));
                continue;
            }
        }
        if (must_answer || !answer.empty()) {
            if (!answer.presence.empty()) sources.notifier.presence_told(*listener);
            note_keys_told(request, answer);
            co_await sources.aggregations.add_to(viewer, timeline_events(answer));
            co_return SyncBody{write_sync_answer(answer, viewer), nullptr};
        }
        if (answer.rooms != listener->rooms) {
            // The user's rooms changed while they were read: listen to the right ones, and look again if one of them
            // was too quick for us.
            sources.notifier.listen(request.user_id, answer.rooms);
            if (next_token(sources, request.since) != next) continue;
        }
        timed_out = !co_await sources.notifier.wait(listener, generation, left);
    }
}

Task<SyncAnswer> Sync::Impl::collect(const SyncRequest& request, SyncToken next) {
    SyncAnswer answer;
    answer.next = next;
    answer.rooms = co_await sources.states.rooms_of_user(request.user_id);
    const auto chosen = co_await choose_rooms(request, answer);
    co_await collect_rooms(request, chosen, answer);
    co_await collect_outside_rooms(request, chosen.user, answer);
    co_return answer;
}

Task<void> Sync::Impl::collect_outside_rooms(const SyncRequest& request, const UserData& user, SyncAnswer& answer) {
    co_await collect_account_data(request, user, answer);
    co_await collect_presence(request, answer);
    co_await collect_to_device(request, answer);
    co_await collect_device_lists(request, answer);
    co_await collect_key_counts(request, answer);
}

Task<Sync::Impl::UserData> Sync::Impl::user_data(const SyncRequest& request, const SyncToken& next) {
    UserData out;
    if (!request.since || request.full_state) {
        out.data = co_await sources.account_data.all(request.user_id);
        out.tags = *co_await sources.account_data.tags(request.user_id);
    } else if (const auto since = request.since->account_data; sources.account_data.has_changed(request.user_id, since)) {
        out.data = co_await sources.account_data.changed(request.user_id, since, next.account_data);
        out.tags = co_await sources.account_data.changed_tags(request.user_id, since, next.account_data);
    }
    co_return out;
}

Task<void> Sync::Impl::collect_account_data(const SyncRequest& request, const UserData& user, SyncAnswer& answer) {
    const auto& filter = request.filter->account_data;
    for (const auto& [type, content] : user.data.global) {
        if (type != "m.push_rules" && filter.matches(type)) answer.account_data.push_back(typed_event(type, content));
    }
    if (!filter.matches("m.push_rules")) co_return;
    const bool all = !request.since || request.full_state;
    if (!all && !sources.push_rules_stream.changes().has_changed(request.user_id, request.since->push_rules)) co_return;
    const auto rules = co_await sources.push_actions.ruleset(request.user_id);
    answer.account_data.push_back(typed_event("m.push_rules", proto::to_json(rules->to_json())));
}

Task<void> Sync::Impl::collect_presence(const SyncRequest& request, SyncAnswer& answer) {
    if (!sources.presence.enabled() || request.filter->presence.admits_nothing()) co_return;
    const bool all = !request.since || request.full_state;
    std::set<std::string> users = answer.met;
    const auto changed = all ? std::nullopt : sources.presence_stream.changes().changed_after(request.since->presence);
    if (changed) {
        for (const auto& user_id : *changed) {
            if (user_id == request.user_id || co_await shares_joined_room(answer.rooms, user_id)) users.insert(user_id);
        }
    } else {
        for (auto& user_id : co_await sources.states.users_sharing_rooms(request.user_id)) users.insert(std::move(user_id));
    }
    if (users.empty()) co_return;
    std::vector<std::string> wanted{users.begin(), users.end()};
    const auto states = co_await sources.presence.states(std::move(wanted));
    const auto profiles = co_await sources.presence.profiles_of(states);
    for (const auto& state : states) {
        if (all && state.state == "offline") continue;
        if (!request.filter->presence.matches("m.presence", state.user_id)) continue;
        const auto profile = profiles.find(state.user_id);
        answer.presence.push_back(proto::to_json(
            json::object{{"type", "m.presence"}, {"sender", state.user_id}, {"content", sources.presence.content(state, profile == profiles.end() ? nullptr : &profile->second)}}));
    }
}

Task<bool> Sync::Impl::shares_joined_room(storage::UserRoomsPtr rooms, std::string other) {
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership != "join") continue;
        auto state = sources.states.cached_current_state(room_id);
        if (!state) state = co_await sources.states.current_state(room_id);
        if (state->membership(other) == "join") co_return true;
    }
    co_return false;
}

Task<void> Sync::Impl::collect_to_device(const SyncRequest& request, SyncAnswer& answer) {
    if (request.device_id.empty()) co_return;
    const auto from = request.since ? request.since->to_device : 0;
    // The token is the client's word that it has everything up to it.
    if (request.since) co_await sources.to_device.delete_messages(request.user_id, request.device_id, from);
    auto batch = co_await sources.to_device.get_messages(request.user_id, request.device_id, from, answer.next.to_device, kToDeviceMax);
    answer.to_device = std::move(batch.messages);
    answer.next.to_device = batch.upto;
}

/// Whose devices the client has to look at again, and whose no more.
Task<void> Sync::Impl::collect_device_lists(const SyncRequest& request, SyncAnswer& answer) {
    if (!request.since) co_return;
    for (const auto& user_id : answer.parted) {
        if (!co_await shares_joined_room(answer.rooms, user_id)) answer.devices_left.insert(user_id);
    }
    for (const auto& user_id : answer.met) {
        if (!answer.devices_left.contains(user_id)) answer.devices_changed.insert(user_id);
    }
    for (auto& user_id : co_await sources.user_signatures.signed_by(request.user_id, request.since->device_lists, answer.next.device_lists)) {
        answer.devices_changed.insert(std::move(user_id));
    }
    const auto& changes = sources.devices.stream().changes();
    if (!changes.has_any_changed(request.since->device_lists)) co_return;
    std::vector<std::string> candidates;
    if (const auto changed = changes.changed_after(request.since->device_lists)) {
        for (const auto& user_id : *changed) {
            if (!user_id.starts_with('@')) continue;
            if (user_id == request.user_id || co_await shares_joined_room(answer.rooms, user_id)) candidates.push_back(user_id);
        }
    } else {
        candidates = co_await sources.states.users_sharing_rooms(request.user_id);
        candidates.push_back(request.user_id);
    }
    if (candidates.empty()) co_return;
    auto changed = co_await sources.devices.users_changed(std::move(candidates), request.since->device_lists, answer.next.device_lists);
    answer.devices_changed.insert(std::make_move_iterator(changed.begin()), std::make_move_iterator(changed.end()));
}

Task<void> Sync::Impl::collect_key_counts(const SyncRequest& request, SyncAnswer& answer) {
    if (request.device_id.empty()) co_return;
    answer.keys = co_await sources.e2e_keys.counts(request.user_id, request.device_id);
    const auto told = keys_told.find({request.user_id, request.device_id});
    answer.keys_changed = told != keys_told.end() && *told->second != *answer.keys;
    // A poll that begins here knows what it will be compared with, even if nothing is told now.
    if (told == keys_told.end()) note_keys_told(request, answer);
}

void Sync::Impl::note_keys_told(const SyncRequest& request, const SyncAnswer& answer) {
    if (!answer.keys) return;
    if (keys_told.size() >= kKeysToldMax) keys_told.clear();
    keys_told.insert_or_assign({request.user_id, request.device_id}, answer.keys);
}

Sync::Sync(SyncSources sources) : impl_{std::make_unique<Impl>(std::move(sources))} {}
Sync::~Sync() = default;

Task<SyncBody> Sync::sync(SyncRequest request) { return impl_->run(std::move(request)); }

void Sync::end_polls() {
    impl_->ending = true;
    impl_->sources.notifier.wake_all();
}

}  // namespace weft::handlers
