#include "weft/handlers/reading/visibility.hpp"

#include <algorithm>

#include "weft/handlers/reading/room_access.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/redaction.hpp"

namespace weft::handlers {
namespace {

namespace event_type = proto::event_type;

/// How deep in the graph the events are that make a room. What a client puts into `initial_state` may be
/// deeper; then the long way is taken.
constexpr std::int64_t kFirstEventsDepth = 30;

std::optional<proto::EventId> replaced_by(const proto::Event& event) {
    const auto replaced = proto::get_string(event.unsigned_data(), "replaces_state");
    if (!replaced) return std::nullopt;
    return proto::EventId::trusted(std::string{*replaced});
}

bool is_of_user(const proto::Event& event, const std::string& user_id) {
    return event.is_state(event_type::kMember, user_id);
}

/// Whether the history has been open to all members ever since the room was made. Its maker set it so with
/// the first events, before anybody else was there: even a fork of the graph without it holds nobody else's
/// events.
bool always_shared(const proto::Event& current, const proto::Event& create) {
    const auto visibility = history_visibility_in(current.content());
    const bool shared =
        visibility == HistoryVisibility::kShared || visibility == HistoryVisibility::kWorldReadable;
    return shared && !replaced_by(current) && current.sender() == create.sender() &&
           current.depth() <= kFirstEventsDepth;
}

/// Events by ID, for the few that decide.
class Deciding {
public:
    explicit Deciding(const std::vector<proto::EventPtr>& events) {
        for (const auto& event : events) by_id_.emplace(event->event_id(), event);
    }
    HistoryVisibility visibility(const proto::EventId* id) const {
        if (!id) return HistoryVisibility::kShared;
        const auto found = by_id_.find(*id);
        // It was set, but we cannot read to what.
        return found == by_id_.end() ? HistoryVisibility::kJoined
                                     : history_visibility_in(found->second->content());
    }
    std::string_view membership(const proto::EventId* id) const {
        if (!id) return "leave";
        const auto found = by_id_.find(*id);
        return found == by_id_.end() ? "leave" : found->second->membership().value_or("leave");
    }

private:
    std::unordered_map<proto::EventId, proto::EventPtr> by_id_;
};

const proto::EventId* find(const proto::StateMap& state, const proto::StateKey& key) {
    const auto found = state.find(key);
    return found == state.end() ? nullptr : &found->second;
}

}  // namespace

Task<bool> Visibility::sees_all(proto::RoomId room_id, const std::vector<storage::StoredEventPtr>& events) {
    const auto state = co_await states_.current_state(std::move(room_id));
    const auto* const current_id = state->find(event_type::kHistoryVisibility);
    const auto* const create_id = state->find(event_type::kCreate);
    if (!current_id || !create_id) co_return false;
    for (const auto& stored : events) {
        const auto& event = *stored->event;
        if (event.is_state(event_type::kHistoryVisibility) && event.event_id() != *current_id)
            co_return false;
    }
    std::vector<proto::EventId> ids;
    ids.push_back(*current_id);
    ids.push_back(*create_id);
    const auto loaded = co_await events_.get_events(std::move(ids));
    co_return loaded.size() == 2 && always_shared(*loaded.front(), *loaded.back());
}

Task<std::vector<storage::StoredEventPtr>> Visibility::visible(std::string user_id,
                                                               std::vector<storage::StoredEventPtr> events) {
    std::erase_if(events, [](const auto& stored) {
        return stored->event->rejected() || stored->event->metadata().soft_failed;
    });
    if (events.empty()) co_return events;

    const auto room_id = events.front()->event->room_id();
    RoomAccess access{events_, states_};
    const auto standing = co_await access.standing(user_id, room_id);
    const auto erased = co_await erased_.all();
    const auto is_of_erased = [&](const auto& stored) {
        return erased->contains(stored->event->sender().str());
    };
    const bool any_erased = !erased->empty() && std::ranges::any_of(events, is_of_erased);
    if (standing.joined && !any_erased && co_await sees_all(room_id, events)) co_return events;

    const proto::StateKey visibility_key{event_type::kHistoryVisibility};
    const proto::StateKey member_key{event_type::kMember, user_id};
    std::vector<proto::EventId> asked;
    asked.reserve(events.size());
    for (const auto& stored : events) {
        if (!is_of_user(*stored->event, user_id)) asked.push_back(stored->event->event_id());
    }
    std::vector<proto::StateKey> keys;
    keys.push_back(visibility_key);
    keys.push_back(member_key);
    const auto states = co_await states_.state_after_for_keys(std::move(asked), std::move(keys));

    // Few events decide about many.
    std::unordered_set<proto::EventId> deciding_ids;
    for (const auto& [event_id, state] : states) {
        for (const auto& [key, id] : state) deciding_ids.insert(id);
    }
    for (const auto& stored : events) {
        if (!stored->event->is_state(event_type::kHistoryVisibility)) continue;
        if (auto before = replaced_by(*stored->event)) deciding_ids.insert(std::move(*before));
    }
    std::vector<proto::EventId> ids{deciding_ids.begin(), deciding_ids.end()};
    const Deciding deciding{co_await events_.get_events(std::move(ids))};

    std::erase_if(events, [&](const auto& stored) {
        const auto& event = *stored->event;
        if (is_of_user(event, user_id)) return false;
        const auto state = states.find(event.event_id());
        if (state == states.end()) return true;  // an outlier: whose it is to see, nobody here can tell
        StateAtEvent at;
        at.membership = deciding.membership(find(state->second, member_key));
        at.visibility = deciding.visibility(find(state->second, visibility_key));
        if (may_see(at, event.stream_ordering(), standing)) return false;
        if (!event.is_state(event_type::kHistoryVisibility)) return true;
        // Whoever may see one side of a change may see the change.
        const auto before = replaced_by(event);
        at.visibility = deciding.visibility(before ? &*before : nullptr);
        return !may_see(at, event.stream_ordering(), standing);
    });
    if (!any_erased) co_return events;
    for (auto& stored : events) {
        const auto state = states.find(stored->event->event_id());
        if (!is_of_erased(stored) || state == states.end()) continue;
        if (deciding.membership(find(state->second, member_key)) == "join") continue;
        storage::StoredEvent pruned{proto::prune_event(*stored->event), stored->redacted_because};
        stored = std::make_shared<const storage::StoredEvent>(std::move(pruned));
    }
    co_return events;
}

}  // namespace weft::handlers
