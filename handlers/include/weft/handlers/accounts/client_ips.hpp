#pragma once

#include <cstdint>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/seen_throttle.hpp"
#include "weft/storage/client_ip_store.hpp"

namespace weft::handlers {

/// Where users were seen, in the master: collects sightings of all processes and writes them every five
/// seconds in one transaction (user_ips, and the devices' last-seen fields). Nothing depends on a single
/// sighting: what the database does not take is dropped, the client will be seen again.
class ClientIps {
public:
    static constexpr std::int64_t kFlushIntervalMs = 5'000;
    /// More than this waiting (the database is away): new ones are dropped.
    static constexpr std::size_t kWaitingMax = 20'000;

    ClientIps(storage::ClientIpStore& store, const core::Clock& clock, asio::any_io_executor executor);

    /// Two processes may both tell of one client: the second within two minutes is ignored.
    void record(storage::ClientIp seen);
    /// Starts the loop that flushes.
    void start();
    /// Writes what waits.
    Task<void> flush();
    /// Ends the loop and flushes once more.
    Task<void> stop();
    std::size_t waiting() const { return waiting_.size(); }

private:
    Task<void> flush_for_ever();

    storage::ClientIpStore& store_;
    const core::Clock& clock_;
    SeenThrottle throttle_;
    std::vector<storage::ClientIp> waiting_;
    core::BackgroundTasks background_;
};

}  // namespace weft::handlers
