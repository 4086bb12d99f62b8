#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weft/core/task.hpp"

namespace weft::replication {

enum class ClientState { kConnecting, kCatchingUp, kUp, kStopped };
std::string_view to_string(ClientState state);

/// A process's own connection to the rest of the cluster, kept up for ever; each transport has one.
class Uplink {
public:
    virtual ~Uplink() = default;
    virtual void start() = 0;
    virtual ClientState state() const = 0;
    /// Why there is no connection; empty while there is.
    virtual const std::string& last_error() const = 0;
    virtual std::uint64_t connections_made() const = 0;
    /// Says CLEAR_USER_SYNCS if anybody was said to sync here, sends what is queued for at most
    /// `deadline_ms`, closes.
    virtual Task<void> stop(std::int64_t deadline_ms) = 0;
};

}  // namespace weft::replication
