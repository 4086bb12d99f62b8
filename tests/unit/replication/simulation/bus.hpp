#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel.hpp"
#include "weft/replication/relay_log.hpp"
#include "wire.hpp"

namespace weft::replication::simulation {

class BusEnd;

/// A simulated Redis: what reaches it goes to all who subscribe at that moment, in one order, and is kept
/// nowhere. Who does not read is cut off. It dies and comes back with nothing.
class Bus {
public:
    explicit Bus(World& world) : world_{world} {}

    bool is_up() const { return up_; }
    void die();
    void come_back() { up_ = true; }
    /// The end hears what is said from now on; what an earlier one of the same process still has on its way
    /// here is cut off.
    void admit(const std::shared_ptr<BusEnd>& end);
    void leave(const BusEnd& end);
    /// A line has arrived here.
    void publish(const std::string& line);

private:
    World& world_;
    std::vector<std::shared_ptr<BusEnd>> ends_;
    bool up_ = true;
};

/// A process's two connections to the bus, of which one ends with the other; does what RedisLink does,
/// without sockets.
class BusEnd final : public Wire, public std::enable_shared_from_this<BusEnd> {
public:
    BusEnd(World& world, Process& owner, Bus& bus);

    /// Subscribes; from the confirmation on the process speaks.
    void open();
    void close() override;
    void cut() override;
    void stall(Time until) override { stalled_until_ = std::max(stalled_until_, until); }
    bool was_up() const override { return was_up_; }
    Process& owner() { return owner_; }

    // What the bus does.
    /// Nothing more of this end arrives at the bus.
    void silence() { silenced_ = true; }
    void deliver(const std::string& line);

    LinkId id() const override { return id_; }
    std::string peer_name() const override { return "bus"; }
    void send_line(std::string line) override;
    void wake() override;
    void on_caught_up() override { was_up_ = true; }
    void subscribe(std::set<std::string>) override {}

private:
    void confirmed();
    void pump();
    void transmit(const std::string& lines);
    void read();
    void hear(const std::string& line);
    void tick();
    void later(Time delay, void (BusEnd::*what)());

    World& world_;
    Process& owner_;
    Bus& bus_;
    LinkId id_;
    std::optional<RelayCursor> cursor_;  // until closed: the log goes with its process
    ChannelSession channel_;
    std::string private_lines_;
    std::deque<std::string> socket_;  // arrived, not read
    std::size_t on_the_way_ = 0;      // lines that the bus has sent and that have not been read
    std::size_t in_flight_ = 0;       // bytes that have not reached the bus
    Time sent_until_ = 0;
    Time delivered_until_ = 0;
    Time stalled_until_ = 0;
    Time heard_ = 0;
    bool confirmed_ = false;
    bool pump_is_due_ = false;
    bool silenced_ = false;
    bool cut_ = false;
    bool closed_ = false;
    bool was_up_ = false;
};

}  // namespace weft::replication::simulation
