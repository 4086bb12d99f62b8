#pragma once

#include "weft/replication/link.hpp"
#include "world.hpp"

namespace weft::replication::simulation {

/// A connection of a simulated process, whatever carries it: what a process knows of it, and what can happen
/// to it.
class Wire : public Link {
public:
    /// We give it up.
    virtual void close() = 0;
    /// Nothing leaves any more, and only the kernel will tell, in the end.
    virtual void cut() = 0;
    /// Reads nothing until then.
    virtual void stall(Time until) = 0;
    virtual bool was_up() const = 0;
};

}  // namespace weft::replication::simulation
