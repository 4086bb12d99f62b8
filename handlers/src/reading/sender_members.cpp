#include "reading/sender_members.hpp"

#include <set>

#include "weft/proto/event_types.hpp"

namespace weft::handlers {

Task<std::vector<storage::StoredEventPtr>> sender_members(storage::EventsStore& store,
                                                          storage::StateStore& states,
                                                          std::vector<storage::StoredEventPtr> events,
                                                          proto::EventId at) {
    std::set<std::string> senders;
    for (const auto& stored : events) senders.insert(stored->event->sender().str());
    std::vector<proto::StateKey> keys;
    for (const auto& sender : senders) keys.emplace_back(proto::event_type::kMember, sender);
    std::vector<proto::EventId> points;
    points.push_back(std::move(at));
    const auto found = co_await states.state_after_for_keys(std::move(points), std::move(keys));
    std::vector<proto::EventId> ids;
    for (const auto& [point, state] : found) {
        for (const auto& [key, id] : state) ids.push_back(id);
    }
    co_return co_await store.get_stored(std::move(ids));
}

}  // namespace weft::handlers
