#pragma once

#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "weft/core/metrics.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::storage {

/// One change of a room's current state, as a row of the events stream tells it.
struct StateDelta {
    proto::StateKey key;
    std::optional<proto::EventId> event_id;
    std::string membership;
};

/// The current states this process keeps in memory. Rows of the events stream change them in place; a state that is handed
/// out is copied before it changes. A room that is being read collects the changes that arrive meanwhile.
class RoomStates {
public:
    /// Bounded by the number of rooms and by the number of state events in all of them.
    RoomStates(std::size_t rooms_max, std::size_t events_max);

    RoomStatePtr find(const proto::RoomId& room_id);
    void begin_load(const proto::RoomId& room_id) { ++loading_[room_id].readers; }
    /// Stores what was read, with the changes since begin_load() on top; null `state` if the read failed.
    RoomStatePtr finish_load(const proto::RoomId& room_id, std::shared_ptr<RoomState> state);
    void change(const proto::RoomId& room_id, const StateDelta& delta);
    void drop(const proto::RoomId& room_id);

private:
    struct Entry {
        std::shared_ptr<RoomState> state;
        std::list<proto::RoomId>::iterator place;
    };
    struct Loading {
        std::size_t readers = 0;
        std::vector<StateDelta> deltas;
    };
    void evict();

    std::size_t rooms_max_;
    std::size_t events_max_;
    std::size_t events_ = 0;
    core::Gauge rooms_gauge_;
    std::unordered_map<proto::RoomId, Entry> rooms_;
    std::list<proto::RoomId> order_;
    std::unordered_map<proto::RoomId, Loading> loading_;
};

}  // namespace weft::storage
