#include "redis_link.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "weft/core/log.hpp"

namespace weft::replication {

namespace pr = proto::replication;

namespace {

std::string_view name_of(std::string_view line) {
    return line.substr(0, line.find(' '));
}

double kernel_bytes(int socket, unsigned long request) {
    int bytes = 0;
    return ::ioctl(socket, request, &bytes) == 0 ? bytes : 0;
}

}  // namespace

RedisLink::RedisLink(RedisPair connections, ReplicationCommandHandler& handler, core::BackgroundTasks& tasks,
                     Options options)
    : subscriber_{std::move(connections.subscriber)},
      publisher_{std::move(connections.publisher)},
      handler_{handler},
      tasks_{tasks},
      options_{std::move(options)},
      id_{handler.new_link_id()},
      cursor_{handler.log(), id_},
      wake_writer_{tasks.executor()},
      wake_keeper_{tasks.executor()},
      drained_{tasks.executor()},
      subscriber_heard_{now()},
      publisher_heard_{now()} {}

Task<void> RedisLink::run() {
    const auto self = shared_from_this();
    handler_.link_opened(self, true);
    tasks_.spawn("replication_redis_writer", [self] { return self->write_loop(); });
    tasks_.spawn("replication_redis_answers", [self] { return self->read_answers(); });
    tasks_.spawn("replication_redis_keep_alive", [self] { return self->keep_alive(); });
    std::exception_ptr failure;
    try {
        co_await read_messages();
    } catch (...) {
        failure = std::current_exception();
    }
    close(CloseReason::kPeerClosed, subscriber_->error());
    while (!failure && close_reason_ == CloseReason::kShutdown && !answers_ended_) {
        const auto left = linger_until_ - now();
        if (left <= 0 || !co_await drained_.wait(core::Milliseconds{left})) break;
    }
    publisher_->close();
    if (failure && !core::is_cancellation(failure)) std::rethrow_exception(failure);
}

void RedisLink::close(CloseReason reason, std::string explanation, std::int64_t linger_ms) {
    if (closing_) return;
    closing_ = true;
    close_reason_ = reason;
    close_explanation_ = std::move(explanation);
    linger_until_ = now() + linger_ms;
    LinkMetrics::closed(to_string(reason));
    if (reason == CloseReason::kShutdown) {
        core::log_info("replication", "leaving {}", peer_name());
    } else {
        core::log_warning("replication", "connection with {} closed ({}): {}", peer_name(), to_string(reason),
                          close_explanation_);
        publisher_->close();
    }
    // Without any other writer nothing ever had to catch up.
    was_up_ = was_up_ || handler_.caught_up(id_);
    handler_.link_closed(id_);
    subscriber_->close();
    wake_writer_.notify_all();
    wake_keeper_.notify_all();
}

void RedisLink::send_line(std::string line) {
    if (closing_ || overflowed_ || !channel_.say(line)) return;
    metrics_.sent(name_of(line));
    private_lines_ += line;
    private_lines_ += '\n';
    if (private_lines_.size() > options_.limits.private_bytes_max) {
        // As on TCP: commands cannot be dropped one by one, and whoever called may be in the middle of
        // something: the keeper closes.
        private_lines_ = {};
        overflowed_ = true;
        wake_keeper_.notify_all();
        return;
    }
    wake();
}

void RedisLink::wake() {
    if (!writer_sleeps_) return;
    writer_sleeps_ = false;
    wake_writer_.notify_all();
}

Task<void> RedisLink::read_messages() {
    while (!closing_) {
        read_packet();
        if (closing_) co_return;
        if (!subscriber_->error().empty() || !co_await subscriber_->fill()) co_return;
        subscriber_heard_ = now();
    }
}

void RedisLink::read_packet() {
    const ReplicationCommandHandler::Burst burst{handler_};
    while (const auto push = subscriber_->next()) {
        if (const auto line = redis::message_of(*push)) on_message(*line);
        if (closing_) return;
    }
}

void RedisLink::on_message(std::string_view line) {
    auto heard = channel_.hear(line);
    if (std::holds_alternative<ChannelSession::Ignore>(heard)) return;
    if (const auto* refusal = std::get_if<ChannelSession::Refuse>(&heard)) {
        refuse(*refusal);
        return;
    }
    metrics_.received(name_of(line));
    const auto* rdata = std::get_if<pr::RdataView>(&heard);
    // Nobody relays, so nobody needs a row's line.
    const auto result = rdata != nullptr
                            ? handler_.on_rdata(id_, *rdata, {})
                            : handler_.on_command(id_, std::move(std::get<pr::Command>(heard)), line);
    if (!result) refuse(ChannelSession::refuse(line, result.error().message));
}

void RedisLink::refuse(const ChannelSession::Refuse& refusal) {
    const auto text = fmt::format("a message on {} was not understood: {}", options_.channel, refusal.why);
    if (refusal.was_row) {
        close(CloseReason::kParseError, text);
    } else {
        core::log_warning("replication", "{}", text);
    }
}

Task<void> RedisLink::read_answers() {
    const auto self = shared_from_this();
    while (true) {
        while (const auto answer = publisher_->next()) {
            if (answer->type != REDIS_REPLY_ERROR) continue;
            close(CloseReason::kSocketError,
                  fmt::format("a message was refused: {}", redis::text_of(*answer)));
        }
        if (!publisher_->error().empty() || !co_await publisher_->fill()) break;
        publisher_heard_ = now();
    }
    close(CloseReason::kPeerClosed, publisher_->error());
    answers_ended_ = true;
    drained_.notify_all();
}

void RedisLink::resync_after_falling_off() {
    metrics_.fell_off();
    const auto dirty = cursor_.skip_to_end();
    core::log_warning("replication", "{} reads too slowly: {} streams have to catch up", peer_name(),
                      dirty.size());
    for (const auto feed : dirty) private_lines_ += handler_.position_line(feed) + "\n";
    metrics_.sent("POSITION", static_cast<double>(dirty.size()));
}

Task<void> RedisLink::write_loop() {
    const auto self = shared_from_this();
    std::string lines;
    std::string sending;
    while (!closing_ || close_reason_ == CloseReason::kShutdown) {
        // Redis has taken all we gave it, so this is the moment to tell what was missed.
        if (cursor_.has_fallen_off()) resync_after_falling_off();
        lines.clear();
        lines.swap(private_lines_);
        RelayCursor::Gathered gathered;
        cursor_.gather(options_.limits.write_bytes_max, gathered);
        sending.clear();
        redis::append_publishes(sending, options_.channel, lines);
        for (const auto piece : gathered.pieces) redis::append_publishes(sending, options_.channel, piece);
        if (std::exchange(ping_due_, false)) sending += "*1\r\n$4\r\nPING\r\n";
        if (sending.empty()) {
            if (closing_) break;
            writer_sleeps_ = true;
            co_await wake_writer_.wait();
            continue;
        }
        metrics_.sent("RDATA", static_cast<double>(gathered.rdata_lines));
        metrics_.sent("POSITION", static_cast<double>(gathered.other_lines));
        if (!co_await publisher_->write(sending)) break;
    }
    if (closing_) {
        publisher_->shut_down_writing();
    } else {
        close(CloseReason::kSocketError, publisher_->error());
    }
}

Task<void> RedisLink::keep_alive() {
    const auto self = shared_from_this();
    while (!closing_) {
        if (overflowed_) {
            close(CloseReason::kTooSlow, "Redis does not read");
            break;
        }
        if (co_await wake_keeper_.wait(core::Milliseconds{options_.limits.ping_interval_ms})) continue;
        if (closing_) break;
        metrics_.sample(static_cast<double>(private_lines_.size()),
                        kernel_bytes(publisher_->native_handle(), SIOCOUTQ),
                        kernel_bytes(subscriber_->native_handle(), SIOCINQ));
        const auto silent = now() - std::min(subscriber_heard_, publisher_heard_);
        if (silent > options_.limits.ping_timeout_ms) {
            close(CloseReason::kPingTimeout, fmt::format("nothing was heard for {} ms", silent));
            break;
        }
        ping_due_ = true;
        wake();
        subscriber_->ping();
    }
}

}  // namespace weft::replication
