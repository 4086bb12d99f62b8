#pragma once

#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "weft/core/async.hpp"
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
/// out is copied before it changes. A room is read by one at a time, and collects the changes that arrive meanwhile.
class RoomStates {
public:
    /// A read of one room that is under way; whoever else wants the room waits for it.
    struct Load {
        explicit Load(const asio::any_io_executor& executor) : finished{executor} {}
        core::Signal finished;
        bool done = false;
        bool outdated = false;  // something changed that cannot be put on top of what is read
        std::vector<StateDelta> deltas;
    };
    using LoadPtr = std::shared_ptr<Load>;

    /// Bounded by the number of rooms and by the number of state events in all of them.
    RoomStates(std::size_t rooms_max, std::size_t events_max, asio::any_io_executor executor);

    RoomStatePtr find(const proto::RoomId& room_id);
    /// The read of the room that is under way, or null.
    LoadPtr loading(const proto::RoomId& room_id) const;
    void begin_load(const proto::RoomId& room_id);
    /// Stores what was read, with the changes since begin_load() on top, and wakes those who wait for it. Null if `state` is
    /// (the read failed), or if it is outdated and the room has to be read again.
    RoomStatePtr finish_load(const proto::RoomId& room_id, std::shared_ptr<RoomState> state);
    void change(const proto::RoomId& room_id, const StateDelta& delta);
    /// What is known of the room's state is not to be relied on any more.
    void drop(const proto::RoomId& room_id);

private:
    struct Entry {
        std::shared_ptr<RoomState> state;
        std::list<proto::RoomId>::iterator place;
    };
    void erase(const proto::RoomId& room_id);
    void evict();

    std::size_t rooms_max_;
    std::size_t events_max_;
    std::size_t events_ = 0;
    asio::any_io_executor executor_;
    core::Gauge rooms_gauge_;
    std::unordered_map<proto::RoomId, Entry> rooms_;
    std::list<proto::RoomId> order_;
    std::unordered_map<proto::RoomId, LoadPtr> loading_;
};

}  // namespace weft::storage
