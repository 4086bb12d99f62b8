// Events that another process has placed, instead of drafts.
#include "events/room_batch.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {
namespace {

/// How long whoever built a state event on a state that has passed shall wait before building it anew.
constexpr std::int64_t kTryAgainMs = 50;

bool names(const std::vector<proto::EventId>& ids, const proto::EventId& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

Task<SendResult> EventPlacer::adopt(RoomBatch& batch, PlacedEvent placed) {
    const auto event = placed.event;
    if (const auto known = co_await events_.get_event(event->event_id()); known && !known->outlier()) {
        co_return SendResult{known->event_id(), known->stream_ordering(),
                             known->metadata().instance_name.value_or(""), true};
    }
    const auto& head = batch.head();
    if (&event->room_version() != head.version)
        throw core::MatrixError::bad_json("the room is of another version");
    co_await check_own_auth(event);
    auto auth = co_await auth_at_head(
        batch, proto::auth_types_for_event(event->type(), event->sender().str(), event->state_key(),
                                           event->content(), *head.version));
    const auto allowed = proto::check_auth(*event, auth.lookup, *head.version);
    if (!allowed) throw core::MatrixError::forbidden(allowed.reason());

    const auto after = co_await states_.group(placed.state_group);
    if (!after || !after->contains(proto::StateKey{proto::event_type::kCreate}))
        throw core::MatrixError::bad_json("there is no such state group");
    auto expected = *head.state;
    if (event->is_state()) expected.insert_or_assign(event->key(), event->event_id());
    const bool is_on_top = std::all_of(head.leaves.begin(), head.leaves.end(),
                                       [&](const auto& leaf) { return names(event->prev_events(), leaf); });
    const bool state_agrees = *after == expected;
    if (event->is_state()) {
        // What its change amounts to now is not known without resolving what is not stored yet.
        if (!is_on_top || !state_agrees) throw core::MatrixError::limit_exceeded(kTryAgainMs);
        proto::EventPtr replaced;
        if (const auto found = head.state->find(event->key()); found != head.state->end()) {
            replaced = co_await this->event(batch, found->second);
        }
        change_state(batch, event, replaced);
    }
    if (is_on_top && state_agrees) {
        auto& now = batch.pending().head;
        now.state_group = placed.state_group;
        now.group_chain = co_await states_.group_chain(placed.state_group);
        now.resolution.reset();
    }
    storage::EventToPersist item;
    item.event = event;
    item.state_group = placed.state_group;
    item.was_staged = true;
    co_await take(batch, std::move(item),
                  std::make_shared<const proto::PowerLevels>(auth.lookup.power_levels(*head.version)));
    if (!is_on_top || !state_agrees) co_await merge_ends(batch, event->event_id(), placed.state_group);
    co_return SendResult{event->event_id(), 0, {}, false};
}

/// The room's state is what follows from all its ends, the placed event among them, and the tables of current
/// state say so from this batch on.
Task<void> EventPlacer::merge_ends(RoomBatch& batch, proto::EventId placed, std::int64_t group) {
    auto& pending = batch.pending();
    auto stored = pending.head.leaves;
    std::erase(stored, placed);
    std::vector<std::int64_t> groups{group};
    for (const auto& [event_id, of_leaf] : co_await states_.groups_of(std::move(stored)))
        groups.push_back(of_leaf);
    const auto before = pending.head.state;
    co_await heads_.set_state(pending.head, batch.room_id(), std::move(groups));
    for (auto& [key, event_id] : state_differences(*before, *pending.head.state))
        pending.changed.try_emplace(std::move(key), std::move(event_id));
}

/// By the events that it names itself.
Task<void> EventPlacer::check_own_auth(proto::EventPtr event) {
    const auto named = co_await events_.get_events(event->auth_events());
    if (named.size() != event->auth_events().size())
        throw core::MatrixError::forbidden("An auth event is not known");
    const auto& version = event->room_version();
    auto allowed = proto::check_auth_event_selection(*event, named, version);
    if (allowed) allowed = proto::check_auth(*event, proto::AuthLookup{named}, version);
    if (!allowed) throw core::MatrixError::forbidden(allowed.reason());
}

}  // namespace weft::handlers
