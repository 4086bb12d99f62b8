#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "weft/replication/feed.hpp"

namespace weft::replication {

/// A connection as the command handler sees it; TCP (and other) transports implement it. Logic thread only.
class Link {
public:
    virtual ~Link() = default;
    virtual LinkId id() const = 0;
    /// What the other side is called, or a description of it; for logs, metrics and the status page.
    virtual std::string peer_name() const = 0;
    /// Queues one line (without line feed) for this connection alone, before what is left of the shared log.
    virtual void send_line(std::string line) = 0;
    /// The shared log has more to send.
    virtual void wake() = 0;
    /// Everything this process subscribes to has caught up by way of this connection.
    virtual void on_caught_up() = 0;
    /// Limits the shared log to these streams; empty means all.
    virtual void subscribe(std::set<std::string> streams) = 0;
};

}  // namespace weft::replication
