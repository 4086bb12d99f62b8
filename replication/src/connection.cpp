#include "connection.hpp"

#include <cstring>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "weft/core/log.hpp"

namespace weft::replication {

namespace pr = proto::replication;

namespace {

/// A read begins with room for two lines and grows while the peer fills it.
constexpr std::size_t kReadBytesMin = 32 * 1024;
constexpr std::size_t kReadBytesMax = 256 * 1024;
static_assert(kReadBytesMin > pr::kLineBytesMax + 1);

/// A sendfile costs more than a write of little text.
constexpr std::size_t kSendFileBytesMin = 16 * 1024;

double kernel_bytes(int socket, unsigned long request) {
    int bytes = 0;
    return ::ioctl(socket, request, &bytes) == 0 ? bytes : 0;
}

}  // namespace

Connection::Connection(StreamSocket socket, ReplicationCommandHandler& handler, core::BackgroundTasks& tasks,
                       Options options)
    : socket_{std::move(socket)},
      handler_{handler},
      tasks_{tasks},
      options_{std::move(options)},
      id_{handler.new_link_id()},
      session_{options_.session},
      cursor_{handler.log(), id_},
      metrics_{options_.session.role == SessionRole::kClient ? "anon" : ""},
      wake_writer_{tasks.executor()},
      wake_keeper_{tasks.executor()},
      writer_ended_{tasks.executor()} {
    // What we say must be taken within the time in which we want to hear something; else a connection that is
    // dead in one direction only, where pings still arrive, would look alive. Means nothing to a unix socket.
    const int timeout_ms = static_cast<int>(options_.limits.ping_timeout_ms);
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

std::string Connection::peer_name() const {
    if (options_.session.role == SessionRole::kClient) return "master at " + options_.address;
    return session_.peer_name().empty() ? options_.address : session_.peer_name();
}

Task<void> Connection::run() {
    const auto self = shared_from_this();
    perform(session_.on_open(now(), handler_.clock().now_ms()), {});
    handler_.link_opened(self, options_.session.role == SessionRole::kClient);
    writer_running_ = true;
    tasks_.spawn("replication_connection_writer", [self] { return self->write_loop(); });
    tasks_.spawn("replication_connection_keep_alive", [self] { return self->keep_alive(); });
    std::exception_ptr failure;
    try {
        co_await read_loop();
    } catch (...) {
        failure = std::current_exception();
    }
    close(CloseReason::kPeerClosed, {});
    boost::system::error_code ignored;
    if (failure) socket_.close(ignored);
    if (!failure && writer_running_) {
        co_await writer_ended_.wait(core::Milliseconds{std::max<std::int64_t>(1, linger_until_ - now())});
    }
    socket_.close(ignored);
    wake_keeper_.notify_all();
    if (failure && !core::is_cancellation(failure)) std::rethrow_exception(failure);
}

void Connection::close(CloseReason reason, std::string explanation, std::optional<std::int64_t> linger_ms) {
    if (closing_) return;
    closing_ = true;
    close_reason_ = reason;
    close_explanation_ = std::move(explanation);
    linger_until_ = now() + linger_ms.value_or(options_.limits.linger_ms);
    session_.on_closing(now());
    LinkMetrics::closed(to_string(reason));
    if (close_explanation_.empty()) {
        core::log_info("replication", "connection with {} closed ({})", peer_name(), to_string(reason));
    } else {
        core::log_warning("replication", "connection with {} closed ({}): {}", peer_name(), to_string(reason),
                          close_explanation_);
    }
    handler_.link_closed(id_);
    wake_writer_.notify_all();
    wake_keeper_.notify_all();
}

void Connection::send_line(std::string line) {
    if (closing_ || overflowed_) return;
    metrics_.sent(std::string_view{line}.substr(0, line.find(' ')));
    private_lines_ += line;
    private_lines_ += '\n';
    if (private_lines_.size() > options_.limits.private_bytes_max) {
        // Commands cannot be dropped one by one as rows can: there is nothing to catch them up from. Whoever
        // called is in the middle of something, perhaps of going through all connections: the keeper closes.
        private_lines_ = {};
        overflowed_ = true;
        wake_keeper_.notify_all();
        return;
    }
    wake();
}

void Connection::wake() {
    if (!writer_sleeps_) return;
    writer_sleeps_ = false;
    wake_writer_.notify_all();
}

Task<void> Connection::read_loop() {
    // Read in place: complete lines are handled where they are, the rest of a line moves to the front.
    std::string buffer(kReadBytesMin, '\0');
    std::size_t filled = 0;
    while (true) {
        boost::system::error_code error;
        const auto count =
            co_await socket_.async_read_some(asio::buffer(buffer.data() + filled, buffer.size() - filled),
                                             asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            const bool is_end = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
            if (!is_end && error != asio::error::operation_aborted && !closing_) {
                close(CloseReason::kSocketError, error.message());
            }
            co_return;
        }
        if (closing_) continue;  // read on, or the kernel would answer with a reset and our last line be lost
        filled += count;
        const auto used = on_bytes({buffer.data(), filled});
        std::memmove(buffer.data(), buffer.data() + used, filled - used);
        filled -= used;
        if (used + filled == buffer.size()) buffer.resize(std::min(2 * buffer.size(), kReadBytesMax));
    }
}

std::size_t Connection::on_bytes(std::string_view bytes) {
    const ReplicationCommandHandler::Burst burst{handler_};
    const auto time = now();
    std::size_t begin = 0;
    double rows = 0;
    while (!closing_) {
        const auto end = bytes.find('\n', begin);
        if (end == bytes.npos) break;
        const auto line = bytes.substr(begin, end - begin);
        if (line.size() > pr::kLineBytesMax) {
            perform(session_.on_line_too_long(), {});
        } else if (const auto rdata = session_.on_rdata(line, time)) {
            rows += 1;
            refuse(handler_.on_rdata(id_, *rdata, bytes.substr(begin, line.size() + 1)), line);
        } else {
            perform(session_.on_line(line, time), line);
        }
        begin = end + 1;
    }
    if (rows > 0) metrics_.received(pr::Rdata::kName, rows);
    if (!closing_ && bytes.size() - begin > pr::kLineBytesMax) perform(session_.on_line_too_long(), {});
    return closing_ ? bytes.size() : begin;
}

void Connection::refuse(const core::Result<void>& result, std::string_view line) {
    if (result) return;
    const auto text = pr::parse_error_text(line, result.error());
    send_line("ERROR " + text);
    close(CloseReason::kParseError, text);
}

void Connection::perform(SessionActions actions, std::string_view line) {
    for (auto& action : actions) {
        if (auto* send = std::get_if<SendLine>(&action)) {
            send_line(std::move(send->line));
        } else if (auto* deliver = std::get_if<Deliver>(&action)) {
            const auto* name = std::get_if<pr::Name>(&deliver->command);
            if (name != nullptr) {
                core::log_info("replication", "{} is {}", options_.address, name->name);
                metrics_.rename(name->name);
            }
            metrics_.received(pr::command_name(deliver->command));
            refuse(handler_.on_command(id_, std::move(deliver->command), line), line);
        } else if (auto* end = std::get_if<CloseSession>(&action)) {
            close(end->reason, std::move(end->explanation));
        } else {
            boost::system::error_code ignored;
            socket_.close(ignored);
        }
    }
}

void Connection::resync_after_falling_off() {
    metrics_.fell_off();
    const auto dirty = cursor_.skip_to_end();
    core::log_warning("replication", "{} reads too slowly: {} streams have to catch up", peer_name(),
                      dirty.size());
    for (const auto feed : dirty) private_lines_ += handler_.position_line(feed) + "\n";
    metrics_.sent("POSITION", static_cast<double>(dirty.size()));
}

Task<void> Connection::write_loop() {
    const auto self = shared_from_this();
    std::string sending;
    boost::system::error_code error;
    while (!error) {
        const bool takes_log = !closing_ || close_reason_ == CloseReason::kShutdown;
        // The socket has taken all we gave it, so this is the moment to tell what was missed.
        if (takes_log && cursor_.has_fallen_off()) resync_after_falling_off();
        sending.clear();
        sending.swap(private_lines_);
        RelayCursor::Gathered gathered;
        if (takes_log) cursor_.gather(options_.limits.write_bytes_max, gathered);
        if (sending.empty() && gathered.pieces.empty()) {
            if (closing_) break;
            writer_sleeps_ = true;
            co_await wake_writer_.wait();
            continue;
        }
        metrics_.sent("RDATA", static_cast<double>(gathered.rdata_lines));
        metrics_.sent("POSITION", static_cast<double>(gathered.other_lines));
        error = co_await send(sending, gathered);
        session_.on_sent(now());
    }
    writer_running_ = false;
    if (error && !closing_) close(CloseReason::kSocketError, error.message());
    boost::system::error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    writer_ended_.notify_all();
}

/// Short pieces leave in one gathered write; long ones are not even copied.
Task<boost::system::error_code> Connection::send(std::string_view own_lines,
                                                 const RelayCursor::Gathered& gathered) {
    boost::system::error_code error;
    std::vector<asio::const_buffer> buffers;
    if (!own_lines.empty()) buffers.push_back(asio::buffer(own_lines));
    const auto flush = [&]() -> Task<void> {
        if (!buffers.empty())
            co_await asio::async_write(socket_, buffers, asio::redirect_error(asio::use_awaitable, error));
        buffers.clear();
    };
    for (std::size_t i = 0; i < gathered.pieces.size(); ++i) {
        const auto piece = gathered.pieces[i];
        const auto& source = *gathered.sources[i];
        if (piece.size() < kSendFileBytesMin || source.file() < 0 || socket_.is_encrypted()) {
            buffers.emplace_back(piece.data(), piece.size());
            continue;
        }
        co_await flush();
        if (!error) error = co_await send_file(source.file(), piece.data() - source.data(), piece.size());
        if (error) co_return error;
    }
    co_await flush();
    co_return error;
}

Task<boost::system::error_code> Connection::send_file(int file, off_t offset, std::size_t size) {
    boost::system::error_code error;
    const auto end = offset + static_cast<off_t>(size);
    socket_.plain().native_non_blocking(true, error);
    while (!error && offset < end) {
        const auto sent =
            ::sendfile(socket_.native_handle(), file, &offset, static_cast<std::size_t>(end - offset));
        if (sent >= 0 || errno == EINTR) continue;
        if (errno == EAGAIN) {
            co_await socket_.async_wait(asio::socket_base::wait_write,
                                        asio::redirect_error(asio::use_awaitable, error));
        } else {
            error.assign(errno, boost::system::system_category());
        }
    }
    co_return error;
}

Task<void> Connection::keep_alive() {
    const auto self = shared_from_this();
    while (socket_.is_open()) {
        if (overflowed_ && !closing_) {
            private_lines_ = "ERROR Failed to keep up\n";  // for a peer that reads on while we linger
            metrics_.sent(pr::Error::kName);
            close(CloseReason::kTooSlow, "the peer does not read");
        }
        auto pause = options_.limits.ping_interval_ms;
        if (closing_) pause = std::max<std::int64_t>(0, linger_until_ - now());
        if (closing_ && pause == 0) break;
        if (co_await wake_keeper_.wait(core::Milliseconds{pause})) continue;
        if (closing_ || !socket_.is_open()) continue;
        metrics_.sample(static_cast<double>(private_lines_.size()),
                        kernel_bytes(socket_.native_handle(), SIOCOUTQ),
                        kernel_bytes(socket_.native_handle(), SIOCINQ));
        perform(session_.on_tick(now(), handler_.clock().now_ms()), {});
    }
    boost::system::error_code ignored;
    socket_.close(ignored);  // ends a reader whose peer does not close
}

}  // namespace weft::replication
