#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "weft/replication/relay_log.hpp"
#include "weft/replication/session.hpp"
#include "wire.hpp"

namespace weft::replication::simulation {

/// One end of a simulated connection. The network delivers in order, late, in pieces, and not at all once it
/// was cut; each end notices that when it likes.
class End final : public Wire, public std::enable_shared_from_this<End> {
public:
    End(World& world, Process& owner, SessionRole role);

    /// Both ends exist now.
    void open(std::weak_ptr<End> peer);
    void close() override;
    void cut() override;
    void stall(Time until) override { stalled_until_ = std::max(stalled_until_, until); }
    bool was_up() const override { return was_up_; }

    LinkId id() const override { return id_; }
    std::string peer_name() const override { return session_.peer_name(); }
    void send_line(std::string line) override;
    void wake() override;
    void on_caught_up() override { was_up_ = true; }
    void subscribe(std::set<std::string> streams) override { cursor_->subscribe(std::move(streams)); }

private:
    void pump();
    void transmit(std::string text);
    void arrive(std::string piece, std::weak_ptr<End> sender);
    void read();
    void receive(const std::string& text);
    void on_line(std::string_view line);
    void perform(SessionActions actions, std::string_view line);
    void tick();
    std::shared_ptr<End> peer() const { return peer_.lock(); }
    void later(Time delay, void (End::*what)());

    World& world_;
    Process& owner_;
    SessionRole role_;
    LinkId id_;
    Session session_;
    std::optional<RelayCursor> cursor_;  // until closed: the log goes with its process
    std::weak_ptr<End> peer_;
    std::string private_lines_;
    std::string unread_;
    // Arrived, not read. Two ends that held each other would never go.
    std::deque<std::pair<std::string, std::weak_ptr<End>>> socket_;
    std::size_t in_flight_ = 0;
    Time delivered_until_ = 0;
    Time stalled_until_ = 0;
    bool pump_is_due_ = false;
    bool cut_ = false;
    bool closed_ = false;
    bool was_up_ = false;
};

}  // namespace weft::replication::simulation
