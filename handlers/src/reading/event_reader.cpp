#include "weft/handlers/reading/event_reader.hpp"

#include <unordered_set>

#include "weft/core/errors.hpp"
#include "weft/handlers/reading/room_access.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {
using core::MatrixError;

namespace {

/// How many events that the user may not see are passed over in the search for one they may.
constexpr std::size_t kPassedOverMax = 1'000;
constexpr std::size_t kEventsPerLook = 50;

MatrixError no_such_event() {
    return MatrixError::not_found("Event not found.");
}

}  // namespace

Task<storage::StoredEventPtr> EventReader::event(EventQuery query) {
    std::vector<proto::EventId> ids;
    ids.push_back(std::move(query.event_id));
    auto found = co_await events_.get_stored(std::move(ids));
    if (found.empty() || found.front()->event->room_id() != query.room_id) throw no_such_event();
    const auto visible = co_await visibility_.visible(std::move(query.user_id), std::move(found));
    if (visible.empty()) throw no_such_event();
    co_return visible.front();
}

Task<EventContext> EventReader::context(EventQuery query, Around limits, proto::EventFilter filter) {
    EventContext out;
    out.event = co_await event(query);
    const auto place = co_await events_.token_of(query.event_id);
    if (!place) throw no_such_event();
    out.start = storage::RoomToken{place->topological, place->stream.min() - 1};
    out.end = *place;

    const bool others_wanted = !filter.admits_nothing() && filter.matches_room(query.room_id);
    const auto limit_before = others_wanted ? limits.before : 0;
    const auto limit_after = others_wanted ? limits.after : 0;
    const auto ignored = co_await ignored_users(account_data_, query.user_id);
    if (limit_before > 0) {
        auto page = co_await events_.paginate(query.room_id, out.start, std::nullopt,
                                              storage::Direction::kBackward, limit_before, filter);
        out.start = page.next;
        auto stored = co_await events_.get_stored(std::move(page.events));
        out.before = co_await visibility_.visible(query.user_id, std::move(stored));
        remove_ignored(out.before, ignored);
    }
    if (limit_after > 0) {
        auto page = co_await events_.paginate(query.room_id, out.end, std::nullopt,
                                              storage::Direction::kForward, limit_after, filter);
        out.end = page.next;
        auto stored = co_await events_.get_stored(std::move(page.events));
        out.after = co_await visibility_.visible(query.user_id, std::move(stored));
        remove_ignored(out.after, ignored);
    }

    std::vector<storage::StoredEventPtr> shown{out.event};
    shown.insert(shown.end(), out.before.begin(), out.before.end());
    shown.insert(shown.end(), out.after.begin(), out.after.end());
    const auto& last = out.after.empty() ? out.event : out.after.back();
    if (others_wanted) out.state = co_await state_at(last->event->event_id(), std::move(shown), filter);
    co_return out;
}

Task<storage::StoredEventPtr> EventReader::closest(std::string user_id, proto::RoomId room_id, std::int64_t time_ms,
                                                   storage::Direction direction) {
    RoomAccess access{events_, states_};
    co_await access.require(user_id, room_id);
    for (std::size_t passed = 0; passed < kPassedOverMax; passed += kEventsPerLook) {
        auto ids = co_await events_.events_by_time(room_id, time_ms, direction, kEventsPerLook, passed);
        const bool last = ids.size() < kEventsPerLook;
        const auto visible = co_await visibility_.visible(user_id, co_await events_.get_stored(std::move(ids)));
        if (!visible.empty()) co_return visible.front();
        if (last) break;
    }
    throw MatrixError::not_found(fmt::format("Unable to find event from {} in {} direction", time_ms,
                                             direction == storage::Direction::kForward ? "forward" : "backward"));
}

Task<std::vector<storage::StoredEventPtr>> EventReader::state_at(proto::EventId last,
                                                                 std::vector<storage::StoredEventPtr> shown,
                                                                 const proto::EventFilter& filter) {
    std::vector<storage::StoredEventPtr> out;
    const auto state = co_await states_.state_after(std::move(last));
    if (!state) co_return out;
    std::unordered_set<std::string> senders;
    for (const auto& stored : shown) senders.insert(stored->event->sender().str());
    std::vector<proto::EventId> ids;
    for (const auto& [key, id] : *state) {
        const bool left_to_client = filter.lazy_load_members && key.type() == proto::event_type::kMember &&
                                    !senders.contains(key.state_key());
        if (!left_to_client && filter.matches_type(key.type())) ids.push_back(id);
    }
    out = co_await events_.get_stored(std::move(ids));
    std::erase_if(out, [&](const auto& stored) { return !filter.matches(*stored->event); });
    co_return out;
}

}  // namespace weft::handlers
