#pragma once

#include <cstdint>

#include "weft/proto/event.hpp"

namespace weft::handlers {

/// An event that another process has built and signed on top of a room, in a state group that it has stored:
/// what event creators of Synapse 1.15 hand to the writer of events.
struct PlacedEvent {
    proto::EventPtr event;
    std::int64_t state_group = 0;  // the state after the event
};

}  // namespace weft::handlers
