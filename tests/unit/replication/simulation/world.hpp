#pragma once

#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "database.hpp"
#include "weft/core/clock.hpp"

namespace weft::replication::simulation {

using Time = std::int64_t;  // milliseconds of the simulated clock

class Bus;
class Process;

/// A cluster in one thread: real command handlers, sessions, feeds, relay logs and stream states; the
/// network, the clock, the database and whatever goes wrong with them come from a seed.
class World {
public:
    enum class Transport { kTcp, kBus };
    World(std::uint64_t seed, Transport transport);
    ~World();

    /// Lives through writes and faults, then lets the cluster settle. Returns what broke, or "".
    std::string run();
    std::uint64_t faults() const { return faults_; }
    std::uint64_t applied() const { return applied_; }

    // For the parts.
    Time now() const { return clock_.monotonic_ms(); }
    void after(Time delay, std::function<void()> what);
    std::int64_t random(std::int64_t least, std::int64_t most);
    bool chance(int percent) { return random(1, 100) <= percent; }
    void broken(const std::string& what);
    bool calm() const { return calm_; }
    asio::io_context& io() { return io_; }
    const core::Clock& clock() const { return clock_; }
    Database& database() { return database_; }
    /// What all processes are connected to; null if the master relays.
    Bus* bus() { return bus_.get(); }
    Process* master();
    Process* process(const std::string& name);
    void count_applied() { ++applied_; }

private:
    struct Event {
        Time at;
        std::uint64_t order;
        std::function<void()> what;
    };
    struct Later {
        bool operator()(const Event& a, const Event& b) const {
            return a.at != b.at ? a.at > b.at : a.order > b.order;
        }
    };
    void run_until(Time end);
    void something_happens();
    void harm_connection(Process& of, std::int64_t kind);
    std::string behind() const;

    std::mt19937_64 dice_;
    core::ManualClock clock_{1'000};
    asio::io_context io_{1};
    Database database_;
    std::priority_queue<Event, std::vector<Event>, Later> events_;
    std::uint64_t next_event_ = 0;
    std::unique_ptr<Bus> bus_;
    std::vector<std::unique_ptr<Process>> processes_;  // the master first
    bool calm_ = false;
    std::uint64_t faults_ = 0;
    std::uint64_t applied_ = 0;
    std::string broken_;
};

}  // namespace weft::replication::simulation
