#include "events/room_batch.hpp"

#include "weft/core/errors.hpp"
#include "weft/proto/auth_rules.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/thread_search.hpp"

namespace weft::handlers {
namespace {

/// How many differences may lead to a full state group before a full one is written.
constexpr std::size_t kStateGroupChainMax = 100;
/// More previous events than this only cost; the deepest come first.
constexpr std::size_t kPrevEventsMax = 10;

const proto::EventId* find_state(const RoomHead& head, const proto::StateKey& key) {
    const auto found = head.state->find(key);
    return found == head.state->end() ? nullptr : &found->second;
}

/// Sending a state event that says what the room's state says already changes nothing.
bool says_the_same(const proto::Event& current, const proto::EventDraft& draft) {
    return current.sender() == draft.sender && current.content() == draft.content;
}

bool is_local_user(std::string_view user_id, std::string_view server_name) {
    const auto colon = user_id.find(':');
    return colon != user_id.npos && user_id.substr(colon + 1) == server_name;
}

}  // namespace

EventPlacer::EventPlacer(const core::Clock& clock, storage::EventsStore& events, storage::StateStore& states,
                         storage::PersistEventsStore& persist, RoomHeadLoader& heads,
                         PushActions& push_actions, proto::SigningKey key, std::string server_name)
    : clock_{clock},
      events_{events},
      states_{states},
      persist_{persist},
      heads_{heads},
      push_actions_{push_actions},
      key_{std::move(key)},
      server_name_{std::move(server_name)} {}

proto::RoomId place_new_room(const core::Clock& clock, const proto::RoomVersion& version,
                             const std::string& server_name, const proto::SigningKey& key,
                             std::vector<SendRequest>& requests) {
    auto& create = requests.front().draft;
    if (create.origin_server_ts == 0)
        create.origin_server_ts = clock.now_ms();  // the ID may depend on it: never change it again
    if (!version.room_id_is_create_hash) return *create.room_id;
    create.room_id.reset();
    const auto event =
        proto::build_event(create, std::vector<proto::EventId>{}, {}, 1, version, server_name, key).value();
    for (std::size_t i = 1; i < requests.size(); ++i) requests[i].draft.room_id = event->room_id();
    return event->room_id();
}

Task<proto::EventPtr> EventPlacer::event(RoomBatch& batch, proto::EventId id) {
    // What this batch adds is in no store yet.
    if (const auto found = batch.pending().by_id.find(id); found != batch.pending().by_id.end())
        co_return found->second;
    co_return co_await events_.get_event(std::move(id));
}

Task<std::vector<SendResult>> EventPlacer::add(RoomBatch& batch, const std::vector<SendRequest>& requests) {
    std::vector<SendResult> results;
    for (const auto& request : requests) results.push_back(co_await place(batch, request));
    co_return results;
}

Task<SendResult> EventPlacer::place(RoomBatch& batch, const SendRequest& request) {
    auto draft = request.draft;
    const auto& version = *batch.head().version;
    if (draft.origin_server_ts == 0) draft.origin_server_ts = clock_.now_ms();

    proto::EventPtr replaced;
    if (draft.state_key) {
        if (const auto* id = find_state(batch.head(), proto::StateKey{draft.type, *draft.state_key}))
            replaced = co_await event(batch, *id);
        if (replaced && request.deduplicate_state && says_the_same(*replaced, draft)) {
            co_return SendResult{replaced->event_id(), replaced->stream_ordering(),
                                 replaced->metadata().instance_name.value_or(""), true};
        }
        // Only the name: what it held is looked up when the event is read, so that redacting it leaves no
        // copy here.
        if (replaced) draft.unsigned_data["replaces_state"] = replaced->event_id().str();
    }
    if (request.txn_id) {
        draft.metadata.txn_id = request.txn_id;
        draft.metadata.device_id = request.device_id;
    }

    auto auth = co_await auth_at_head(
        batch,
        proto::auth_types_for_event(draft.type, draft.sender.str(), draft.state_key, draft.content, version));
    auto prev_events = batch.head().leaves;
    if (prev_events.size() > kPrevEventsMax)
        prev_events.erase(prev_events.begin() + kPrevEventsMax, prev_events.end());

    const auto built = proto::build_event(std::move(draft), prev_events, auth.ids, batch.head().depth + 1,
                                          version, server_name_, key_)
                           .value();
    if (const auto allowed = proto::check_auth(*built, auth.lookup, version); !allowed)
        throw core::MatrixError::forbidden(allowed.reason());

    const auto levels = std::make_shared<const proto::PowerLevels>(auth.lookup.power_levels(version));
    if (built->is_state()) {
        co_await add_state(batch, built, replaced);
    } else if (!batch.head().state_group) {
        // The state here was resolved from several leaves and has no group yet.
        co_await add_state(batch, built, nullptr);
    }
    storage::EventToPersist item;
    item.event = built;
    item.state_group = batch.head().state_group.value();
    item.txn_id = request.txn_id;
    item.device_id = request.device_id;
    co_await take(batch, std::move(item), levels);
    co_return SendResult{built->event_id(), 0, {}, false};
}

Task<EventPlacer::Auth> EventPlacer::auth_at_head(RoomBatch& batch, std::vector<proto::StateKey> keys) {
    Auth auth;
    for (const auto& key : keys) {
        const auto* id = find_state(batch.head(), key);
        if (!id) continue;
        auth.ids.push_back(*id);
        if (auto found = co_await event(batch, *id)) auth.lookup.add(std::move(found));
    }
    if (batch.head().version->room_id_is_create_hash) {
        // The create event authorizes everything without being named.
        if (const auto* id = find_state(batch.head(), proto::StateKey{proto::event_type::kCreate}))
            auth.lookup.add(co_await event(batch, *id));
    }
    co_return auth;
}

Task<void> EventPlacer::take(RoomBatch& batch, storage::EventToPersist item,
                             std::shared_ptr<const proto::PowerLevels> levels) {
    const auto event = item.event;
    auto& pending = batch.pending();
    auto audience = pending.head.local_members;
    if (event->type() == proto::event_type::kMember && event->membership() == "invite" &&
        is_local_user(*event->state_key(), server_name_)) {
        auto with_invited = std::make_shared<LocalAudience>(*audience);
        with_invited->try_emplace(*event->state_key());
        audience = std::move(with_invited);
    }
    item.push_actions = co_await push_actions_.for_event(event, audience, pending.head.joined, levels);
    if (!item.push_actions.empty()) {
        proto::ThreadSearch search{*event};
        while (const auto* const related = search.wanted()) search.found((co_await this->event(batch, *related)).get());
        item.thread_id = search.thread();
    }
    pending.events.push_back(std::move(item));
    pending.by_id.emplace(event->event_id(), event);
    // What the event does not name is a leaf still.
    auto& leaves = pending.head.leaves;
    const auto& named = event->prev_events();
    std::erase_if(
        leaves, [&](const auto& leaf) { return std::find(named.begin(), named.end(), leaf) != named.end(); });
    leaves.insert(leaves.begin(), event->event_id());
    pending.head.depth = std::max(pending.head.depth, event->depth());
}

/// The head's state as the event makes it.
void EventPlacer::change_state(RoomBatch& batch, const proto::EventPtr& event,
                               const proto::EventPtr& replaced) {
    auto& pending = batch.pending();
    auto& head = pending.head;
    const auto key = event->key();
    const auto found = head.state->find(key);
    pending.changed.try_emplace(key,
                                found == head.state->end() ? std::nullopt : std::optional{found->second});
    if (key.type() == proto::event_type::kMember) {
        apply_member(head, *event, replaced ? replaced->membership().value_or("leave") : "leave",
                     server_name_);
        if (is_local_user(key.state_key(), server_name_)) {
            pending.local_memberships.insert_or_assign(
                key.state_key(), storage::LocalMembership{key.state_key(), event->event_id(),
                                                        std::string{event->membership().value_or("leave")}});
        }
    }
    auto state = std::make_shared<proto::StateMap>(*head.state);
    state->insert_or_assign(key, event->event_id());
    head.state = std::move(state);
}

Task<void> EventPlacer::add_state(RoomBatch& batch, proto::EventPtr event, proto::EventPtr replaced) {
    const auto group_id = co_await persist_.next_state_group_id();
    auto& pending = batch.pending();
    auto& head = pending.head;
    storage::NewStateGroup group{group_id, event->event_id(), std::nullopt, {}};
    if (head.state_group) {
        group.prev_group = head.state_group;
    } else if (head.resolution && head.resolution->base) {
        // The first event on top of several leaves: its group is that of one of them, with what the others
        // brought.
        group.prev_group = head.resolution->base;
        group.rows = head.resolution->rows;
    }
    if (event->is_state()) {
        const auto key = event->key();
        change_state(batch, event, replaced);
        std::erase_if(group.rows, [&](const auto& row) { return row.first == key; });
        group.rows.emplace_back(key, event->event_id());
    }
    if (head.group_chain >= kStateGroupChainMax) group.prev_group.reset();
    if (!group.prev_group) group.rows.assign(head.state->begin(), head.state->end());
    head.group_chain = group.prev_group ? head.group_chain + 1 : 0;
    head.state_group = group_id;
    head.resolution.reset();
    pending.state_groups.push_back(std::move(group));
}

Task<std::vector<storage::StateChange>> EventPlacer::current_state_changes(RoomBatch& batch) {
    const auto& head = batch.head();
    const bool in_room = !head.local_members->empty();
    const bool was_stored = batch.start().current_state_stored;
    std::vector<storage::StateChange> changes;
    if (was_stored && !in_room) {
        // The last local user is gone: nobody here has a claim to the room's current state any more.
        auto stored = *batch.start().state;
        for (const auto& [key, event_id] : batch.start().current_state_errors) {
            if (event_id) {
                stored.insert_or_assign(key, *event_id);
            } else {
                stored.erase(key);
            }
        }
        for (const auto& [key, event_id] : stored) changes.push_back({key, std::nullopt, event_id, {}});
        co_return changes;
    }
    if (!in_room) co_return changes;
    if (was_stored) {
        for (const auto& [key, before] : batch.pending().changed) {
            const auto now = head.state->find(key);
            const auto after = now == head.state->end() ? std::nullopt : std::optional{now->second};
            if (after != before) changes.push_back({key, after, before, {}});
        }
    } else {
        for (const auto& [key, event_id] : *head.state) changes.push_back({key, event_id, std::nullopt, {}});
    }
    co_await add_memberships(batch, changes);
    co_return changes;
}

/// Completes the changes of members: after a return to a room these are all its members, so they are loaded
/// together.
Task<void> EventPlacer::add_memberships(RoomBatch& batch, std::vector<storage::StateChange>& changes) {
    std::vector<proto::EventId> unknown;
    for (const auto& change : changes) {
        const bool is_member = change.key.type() == proto::event_type::kMember && change.event_id;
        if (is_member && !batch.pending().by_id.contains(*change.event_id))
            unknown.push_back(*change.event_id);
    }
    std::unordered_map<proto::EventId, proto::EventPtr> members = batch.pending().by_id;
    if (!unknown.empty()) {
        for (auto& member : co_await events_.get_events(std::move(unknown)))
            members.emplace(member->event_id(), member);
    }
    for (auto& change : changes) {
        if (change.key.type() != proto::event_type::kMember || !change.event_id) continue;
        const auto found = members.find(*change.event_id);
        change.membership = found == members.end() ? "leave" : found->second->membership().value_or("leave");
    }
}

Task<storage::PersistBatch> EventPlacer::finish(RoomBatch& batch) {
    storage::PersistBatch out{batch.room_id()};
    auto& pending = batch.pending();
    out.state_delta = co_await current_state_changes(batch);
    for (const auto& change : out.state_delta) {
        // Where a fork was resolved against a local member's newest event.
        if (change.key.type() != proto::event_type::kMember || !change.event_id ||
            !is_local_user(change.key.state_key(), server_name_))
            continue;
        pending.local_memberships.try_emplace(
            change.key.state_key(),
            storage::LocalMembership{change.key.state_key(), *change.event_id, change.membership});
    }
    out.counts.emplace();
    if (!pending.head.local_members->empty()) {
        out.counts =
            storage::RoomCounts{static_cast<std::int64_t>(pending.head.state->size()), pending.head.joined,
                                static_cast<std::int64_t>(pending.head.local_members->size())};
    }
    out.version = pending.head.version;
    out.new_room = batch.start().leaves.empty();
    if (out.new_room) out.creator = pending.events.front().event->sender().str();
    out.events = std::move(pending.events);
    out.state_groups = std::move(pending.state_groups);
    for (auto& [user_id, membership] : pending.local_memberships)
        out.local_memberships.push_back(std::move(membership));
    out.forward_extremities = pending.head.leaves;
    pending.head.current_state_stored = !pending.head.local_members->empty();
    co_return out;
}

}  // namespace weft::handlers
