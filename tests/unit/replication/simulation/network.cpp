#include "network.hpp"

#include "process.hpp"

namespace weft::replication::simulation {

namespace {

constexpr std::size_t kSocketBytes = 1'500;
constexpr std::size_t kWriteBytes = 400;
constexpr Time kPingInterval = 500;
constexpr Time kPingTimeout = 2'500;

Session::Options session_options(const Process& owner, SessionRole role) {
    Session::Options options;
    options.role = role;
    options.server_name = "example.com";
    options.instance_name = owner.name();
    options.ping_interval_ms = kPingInterval;
    options.ping_timeout_ms = kPingTimeout;
    return options;
}

}  // namespace

End::End(World& world, Process& owner, SessionRole role)
    : world_{world},
      owner_{owner},
      role_{role},
      id_{owner.handler().new_link_id()},
      session_{session_options(owner, role)},
      cursor_{std::in_place, owner.handler().log(), id_} {}

void End::later(Time delay, void (End::*what)()) {
    world_.after(delay, [self = weak_from_this(), what] {
        if (const auto end = self.lock()) (end.get()->*what)();
    });
}

void End::open(std::weak_ptr<End> peer) {
    peer_ = std::move(peer);
    perform(session_.on_open(world_.now(), world_.now()), {});
    owner_.handler().link_opened(shared_from_this(), role_ == SessionRole::kClient);
    later(kPingInterval, &End::tick);
}

void End::close() {
    if (closed_) return;
    closed_ = true;
    cursor_.reset();
    session_.on_closing(world_.now());
    owner_.handler().link_closed(id_);
    // The other side learns of it in its own time; what was on its way may still arrive.
    if (const auto other = peer_.lock()) other->later(world_.random(0, 1'500), &End::close);
    owner_.on_end_closed(shared_from_this());
}

void End::cut() {
    if (cut_) return;
    cut_ = true;
    later(kPingTimeout, &End::close);
    const auto other = peer();
    if (other && world_.chance(50)) other->cut();
}

void End::send_line(std::string line) {
    if (closed_) return;
    private_lines_ += line + "\n";
    wake();
}

void End::wake() {
    if (pump_is_due_ || closed_) return;
    pump_is_due_ = true;
    later(0, &End::pump);
}

void End::pump() {
    pump_is_due_ = false;
    while (!closed_ && in_flight_ < kSocketBytes) {
        if (cursor_->has_fallen_off()) {
            for (const auto feed : cursor_->skip_to_end()) {
                private_lines_ += owner_.handler().position_line(feed) + "\n";
            }
        }
        std::string text;
        text.swap(private_lines_);
        RelayCursor::Gathered gathered;
        cursor_->gather(kWriteBytes, gathered);
        for (const auto piece : gathered.pieces) text += piece;
        if (text.empty()) return;
        session_.on_sent(world_.now());
        transmit(std::move(text));
    }
}

void End::transmit(std::string text) {
    in_flight_ += text.size();
    const auto split = static_cast<std::size_t>(world_.random(0, static_cast<std::int64_t>(text.size())));
    for (auto piece : {text.substr(0, split), text.substr(split)}) {
        delivered_until_ =
            std::max(delivered_until_, world_.now() + world_.random(0, world_.chance(5) ? 200 : 10));
        const auto delay = delivered_until_ - world_.now();
        world_.after(delay, [self = shared_from_this(), piece = std::move(piece)] {
            const auto peer = self->peer();
            if (!self->cut_ && peer && !peer->closed_) peer->arrive(piece, self);
        });
    }
}

void End::arrive(std::string piece, std::weak_ptr<End> sender) {
    socket_.emplace_back(std::move(piece), std::move(sender));
    read();
}

/// Takes what is in the socket, unless the process is busy with something else.
void End::read() {
    if (stalled_until_ > world_.now()) {
        later(stalled_until_ - world_.now(), &End::read);
        return;
    }
    while (!socket_.empty() && !closed_) {
        const auto [piece, sent_by] = std::move(socket_.front());
        socket_.pop_front();
        if (const auto sender = sent_by.lock()) {
            sender->in_flight_ -= piece.size();
            sender->wake();
        }
        receive(piece);
    }
}

void End::receive(const std::string& text) {
    const ReplicationCommandHandler::Burst burst{owner_.handler()};
    unread_ += text;
    std::size_t begin = 0;
    for (auto end = unread_.find('\n'); end != unread_.npos && !closed_; end = unread_.find('\n', begin)) {
        on_line(std::string_view{unread_}.substr(begin, end - begin));
        begin = end + 1;
    }
    unread_.erase(0, begin);
}

void End::on_line(std::string_view line) {
    const auto rdata = session_.on_rdata(line, world_.now());
    if (!rdata) {
        perform(session_.on_line(line, world_.now()), line);
        return;
    }
    if (!owner_.handler().on_rdata(id_, *rdata, std::string{line} + "\n")) world_.broken("a row was refused");
}

void End::perform(SessionActions actions, std::string_view line) {
    for (auto& action : actions) {
        if (auto* send = std::get_if<SendLine>(&action)) {
            send_line(std::move(send->line));
        } else if (auto* deliver = std::get_if<Deliver>(&action)) {
            const auto result = owner_.handler().on_command(id_, std::move(deliver->command), line);
            if (!result) world_.broken("a command was refused: " + result.error().message);
        } else {
            close();
        }
    }
}

void End::tick() {
    if (closed_) return;
    perform(session_.on_tick(world_.now(), world_.now()), {});
    later(kPingInterval, &End::tick);
}

}  // namespace weft::replication::simulation
