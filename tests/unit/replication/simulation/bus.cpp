#include "bus.hpp"

#include <algorithm>

#include "process.hpp"

namespace weft::replication::simulation {

namespace {

constexpr std::size_t kSocketBytes = 1'500;
constexpr std::size_t kWriteBytes = 400;
/// What the bus holds for somebody who does not read.
constexpr std::size_t kUnreadLinesMax = 300;
constexpr Time kPingInterval = 500;
constexpr Time kPingTimeout = 2'500;

}  // namespace

void Bus::die() {
    up_ = false;
    for (const auto& end : std::exchange(ends_, {})) {
        end->silence();
        world_.after(world_.random(0, 300), [end] { end->close(); });
    }
}

void Bus::admit(const std::shared_ptr<BusEnd>& end) {
    for (const auto& other : ends_) {
        if (&other->owner() == &end->owner()) other->silence();
    }
    ends_.push_back(end);
}

void Bus::leave(const BusEnd& end) {
    std::erase_if(ends_, [&](const auto& other) { return other.get() == &end; });
}

void Bus::publish(const std::string& line) {
    const auto ends = ends_;  // who is cut off leaves
    for (const auto& end : ends) end->deliver(line);
}

BusEnd::BusEnd(World& world, Process& owner, Bus& bus)
    : world_{world},
      owner_{owner},
      bus_{bus},
      id_{owner.handler().new_link_id()},
      cursor_{std::in_place, owner.handler().log(), id_},
      heard_{world.now()} {}

void BusEnd::later(Time delay, void (BusEnd::*what)()) {
    world_.after(delay, [self = weak_from_this(), what] {
        if (const auto end = self.lock()) (end.get()->*what)();
    });
}

void BusEnd::open() {
    bus_.admit(shared_from_this());
    later(world_.random(0, 20), &BusEnd::confirmed);
}

void BusEnd::confirmed() {
    if (closed_) return;
    confirmed_ = true;
    owner_.handler().link_opened(shared_from_this(), true);
    later(kPingInterval, &BusEnd::tick);
    read();
}

void BusEnd::close() {
    if (closed_) return;
    closed_ = true;
    cursor_.reset();
    // Without any other writer nothing ever had to catch up.
    if (confirmed_) was_up_ = was_up_ || owner_.handler().caught_up(id_);
    owner_.handler().link_closed(id_);
    // Redis learns of it in its own time. What was on its way there may still arrive, if nobody cuts it off.
    world_.after(world_.random(0, 1'500), [self = shared_from_this()] { self->bus_.leave(*self); });
    owner_.on_end_closed(shared_from_this());
}

void BusEnd::cut() {
    cut_ = true;
    later(kPingTimeout, &BusEnd::close);
}

void BusEnd::send_line(std::string line) {
    if (closed_ || !channel_.say(line)) return;
    private_lines_ += line + "\n";
    wake();
}

void BusEnd::wake() {
    if (pump_is_due_ || closed_) return;
    pump_is_due_ = true;
    later(0, &BusEnd::pump);
}

void BusEnd::pump() {
    pump_is_due_ = false;
    while (confirmed_ && !closed_ && in_flight_ < kSocketBytes) {
        if (cursor_->has_fallen_off()) {
            for (const auto feed : cursor_->skip_to_end()) {
                private_lines_ += owner_.handler().position_line(feed) + "\n";
            }
        }
        std::string lines;
        lines.swap(private_lines_);
        RelayCursor::Gathered gathered;
        cursor_->gather(kWriteBytes, gathered);
        for (const auto piece : gathered.pieces) lines += piece;
        if (lines.empty()) return;
        transmit(lines);
    }
}

/// Messages arrive one by one and in order, until the connection is lost: then those behind are lost too.
void BusEnd::transmit(const std::string& lines) {
    std::size_t begin = 0;
    for (auto end = lines.find('\n'); end != lines.npos; end = lines.find('\n', begin)) {
        auto line = lines.substr(begin, end - begin);
        begin = end + 1;
        in_flight_ += line.size();
        sent_until_ = std::max(sent_until_, world_.now() + world_.random(0, world_.chance(3) ? 100 : 3));
        world_.after(sent_until_ - world_.now(), [self = shared_from_this(), line = std::move(line)] {
            self->in_flight_ -= line.size();
            if (self->cut_ || self->silenced_ || !self->bus_.is_up()) return;
            self->bus_.publish(line);
            self->wake();
        });
    }
}

void BusEnd::deliver(const std::string& line) {
    if (closed_ || cut_) return;
    if (++on_the_way_ > kUnreadLinesMax) {  // as `client-output-buffer-limit pubsub` does
        silence();
        bus_.leave(*this);
        later(0, &BusEnd::close);
        return;
    }
    delivered_until_ =
        std::max(delivered_until_, world_.now() + world_.random(0, world_.chance(3) ? 100 : 3));
    world_.after(delivered_until_ - world_.now(), [self = shared_from_this(), line] {
        if (self->cut_ || self->closed_) return;
        self->socket_.push_back(line);
        self->read();
    });
}

void BusEnd::read() {
    if (!confirmed_) return;
    if (stalled_until_ > world_.now()) {
        later(stalled_until_ - world_.now(), &BusEnd::read);
        return;
    }
    if (closed_ || socket_.empty()) return;
    heard_ = world_.now();
    const ReplicationCommandHandler::Burst burst{owner_.handler()};
    while (!socket_.empty() && !closed_) {
        const auto line = std::move(socket_.front());
        socket_.pop_front();
        --on_the_way_;
        hear(line);
    }
}

void BusEnd::hear(const std::string& line) {
    auto heard = channel_.hear(line);
    if (const auto* refusal = std::get_if<ChannelSession::Refuse>(&heard)) {
        world_.broken("a message was not understood: " + refusal->why);
    } else if (const auto* rdata = std::get_if<proto::replication::RdataView>(&heard)) {
        if (!owner_.handler().on_rdata(id_, *rdata, {})) world_.broken("a row was refused");
    } else if (auto* command = std::get_if<proto::replication::Command>(&heard)) {
        if (!owner_.handler().on_command(id_, std::move(*command), line))
            world_.broken("a command was refused");
    }
}

/// Redis answers a PING as soon as it is read: what is not read for long enough counts as silence.
void BusEnd::tick() {
    if (closed_) return;
    if (!cut_ && bus_.is_up() && stalled_until_ <= world_.now()) heard_ = world_.now();
    if (world_.now() - heard_ > kPingTimeout) {
        close();
        return;
    }
    later(kPingInterval, &BusEnd::tick);
}

}  // namespace weft::replication::simulation
