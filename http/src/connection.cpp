#include "connection.hpp"

#include <array>
#include <cerrno>

#include <sys/socket.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include "ascii.hpp"
#include "error_response.hpp"
#include "weft/core/log.hpp"
#include "weft/core/metrics.hpp"
#include "weft/http/uri.hpp"

namespace weft::http {
namespace {

namespace bhttp = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kHeadReadBytes = 4 * 1024;
constexpr std::size_t kBodyReadBytes = 64 * 1024;
/// An idle connection keeps no more buffer than this.
constexpr std::size_t kIdleBufferBytesMax = 8 * 1024;
/// A peer that moves at least this much in a millisecond (16 kB a second) is slow, not stuck.
constexpr std::size_t kSlowBytesPerMs = 16;
/// A handler that has run for this long is watched for its client's disconnect; for a shorter one the system
/// calls would cost more than they save.
constexpr std::int64_t kWatchAfterMs = 100;
/// How long, and how much, a refused client may go on sending before the connection is cut.
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::size_t kLingerBytesMax = 16 * 1024 * 1024;

core::Gauge connections_gauge() {
    static const auto gauge = core::gauge("weft_http_connections", "Open HTTP connections");
    return gauge;
}

class CountInFlight {
public:
    explicit CountInFlight(std::size_t& count) : count_{count} { ++count_; }
    ~CountInFlight() { --count_; }
    CountInFlight(const CountInFlight&) = delete;
    CountInFlight& operator=(const CountInFlight&) = delete;

private:
    std::size_t& count_;
};

/// A body that is made while it is sent is work of its request, whose context ends with it.
class BodyOfRequest final : public BodyStream {
public:
    BodyOfRequest(BodyStreamPtr body, asio::any_io_executor executor, core::LogContextPtr context)
        : body_{std::move(body)}, executor_{std::move(executor)}, context_{std::move(context)} {}
    ~BodyOfRequest() override {
        asio::post(executor_, [context = std::move(context_)] { context->finish(); });
    }

    Task<std::string> next() override {
        co_return co_await asio::co_spawn(core::with_context(executor_, context_), body_->next(),
                                          asio::use_awaitable);
    }
    std::optional<std::uint64_t> length() const override { return body_->length(); }

private:
    BodyStreamPtr body_;
    asio::any_io_executor executor_;
    core::LogContextPtr context_;
};

enum class Peek { kData, kNothing, kEnd };

/// What a read would find, without reading.
Peek peek(Socket& socket) {
    char byte = 0;
    const auto count = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0) return Peek::kData;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return Peek::kNothing;
    return Peek::kEnd;
}

bool is_blocked(const error_code& error) {
    return error == asio::error::would_block || error == asio::error::try_again;
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> server, Socket socket, Peer peer)
    : server_{std::move(server)}, socket_{std::move(socket)}, peer_{std::move(peer)} {
    // Who can open a unix socket is decided by its file's permissions.
    trusted_peer_ = server_->x_forwarded && (!peer_.address || server_->trusted.contains(*peer_.address));
    server_->connections.insert(this);
    connections_gauge().add(1);
}

Connection::~Connection() {
    connections_gauge().add(-1);
    server_->connections.erase(this);
    if (server_->connections.empty()) server_->emptied.notify_all();
}

Task<void> Connection::serve() {
    try {
        if (co_await secure()) {
            while (co_await serve_one()) {
            }
        }
    } catch (const boost::system::system_error& error) {
        // The peer went away while it was written to, or the server ends: both are ordinary.
        core::log_debug("http.connection", "connection from {} ended: {}", peer_.text, error.what());
    } catch (const std::exception& error) {
        core::log_error("http.connection", "connection from {} failed: {}", peer_.text, error.what());
    }
    close();
}

/// Over TCP only: a unix socket's file says who may connect.
Task<bool> Connection::secure() {
    if (!server_->tls || !peer_.address) co_return true;
    enter(Phase::kHead, server_->limits.header_timeout_ms);
    const auto error = co_await socket_.handshake_as_server(server_->tls);
    if (server_->closed) co_return false;
    if (error) core::log_warning("http.connection", "no TLS with {}: {}", peer_.text, error.message());
    co_return !error;
}

Task<bool> Connection::serve_one() {
    RequestParser parser;
    auto refusal = co_await read_head(parser);
    if (server_->closed) co_return false;
    if (!refusal) refusal = complete(parser.request());
    auto traits = traits_of(parser);
    std::shared_ptr<RequestBody> streamed;
    if (!refusal && !parser.is_done()) {
        const auto& request = parser.request();
        const auto* endpoint = server_->router.find(request.method, request.path);
        const auto bytes_max = endpoint && endpoint->body_bytes_max > 0 ? endpoint->body_bytes_max
                                                                        : server_->limits.body_bytes_max;
        if (const auto length = parser.content_length(); length && *length > bytes_max) {
            refusal = Refusal{413, "M_TOO_LARGE", "The request's body is too large"};
        } else if (endpoint && endpoint->streams_body) {
            streamed = stream_body(parser, bytes_max);
        } else {
            refusal = co_await read_body(parser, bytes_max);
        }
    }
    if (server_->closed) co_return false;
    if (refusal) {
        if (refusal->status != 0) co_await refuse(*refusal, traits);
        co_return false;
    }
    auto response = co_await run(std::move(parser.request()));
    if (streamed) streamed->end();
    if (!response) co_return false;
    const bool is_unread = streamed && !streamed->is_complete();
    const bool ends_with_connection =
        traits.http_1_0 && response->body_stream && !response->body_stream->length();
    traits.keep_alive = parser.keep_alive() && !server_->stopping && !is_unread && !ends_with_connection;
    co_await write(std::move(*response), traits);
    if (is_unread) co_await linger();
    co_return traits.keep_alive;
}

Task<std::optional<Connection::Refusal>> Connection::read_head(RequestParser& parser) {
    if (buffer_.size() == 0 && buffer_.capacity() > kIdleBufferBytesMax) buffer_.shrink_to_fit();
    enter(Phase::kIdle, server_->limits.idle_timeout_ms);
    for (;;) {
        // Blank lines before a request are forgiven (RFC 9112, 2.2).
        while (!parser.got_some() && buffer_.size() > 0) {
            const char first = *static_cast<const char*>(buffer_.data().data());
            if (first != '\r' && first != '\n') break;
            buffer_.consume(1);
        }
        if (buffer_.size() > 0) {
            if (phase_ == Phase::kIdle) enter(Phase::kHead, server_->limits.header_timeout_ms);
            error_code error;
            buffer_.consume(parser.put_head(buffer_.data(), error));
            const auto pending = error == bhttp::error::need_more ? buffer_.size() : 0;
            if (error == bhttp::error::header_limit ||
                parser.head_bytes() + pending > server_->limits.header_bytes_max) {
                co_return Refusal{431, "M_TOO_LARGE", "The request's header is too large"};
            }
            if (!error) co_return std::nullopt;
            if (error != bhttp::error::need_more)
                co_return Refusal{400, "M_UNKNOWN", "Malformed HTTP request"};
        }
        if (co_await fill(kHeadReadBytes) == 0) co_return refusal_for_read();
    }
}

std::optional<Connection::Refusal> Connection::complete(Request& request) const {
    const auto [path, query] = split_target(request.target);
    request.path = path;
    if (!path.starts_with('/') && path != "*") return Refusal{400, "M_UNKNOWN", "Malformed request target"};
    auto parsed = parse_query(query);
    if (!parsed) return Refusal{400, "M_INVALID_PARAM", "The query string is not valid UTF-8"};
    request.query = std::move(*parsed);
    request.remote_address = peer_.text;
    if (trusted_peer_) {
        // A proxy may add a field of its own instead of extending the client's: together they are one list.
        std::string hops;
        for (const auto& [name, value] : request.headers.all()) {
            if (iequals(name, "X-Forwarded-For")) hops += (hops.empty() ? "" : ",") + value;
        }
        if (!hops.empty()) request.remote_address = forwarded_client(hops, server_->trusted, peer_.text);
    }
    return std::nullopt;
}

ResponseTraits Connection::traits_of(const RequestParser& parser) const {
    const auto& request = parser.request();
    ResponseTraits traits;
    traits.http_1_0 = parser.http_1_0();
    traits.head_only = request.method == Method::kHead;
    traits.cors = request.method == Method::kOptions || wants_cors(split_target(request.target).path);
    if (const auto accepted = request.headers.get("Accept-Encoding"))
        traits.accepted = negotiate_coding(*accepted);
    return traits;
}

Task<std::optional<Connection::Refusal>> Connection::read_body(RequestParser& parser, std::size_t bytes_max) {
    enter(Phase::kBody, server_->limits.body_timeout_ms);
    if (buffer_.size() == 0 && parser.expects_continue()) send_continue();
    if (const auto length = parser.content_length())
        co_return co_await read_sized_body(parser.request(), static_cast<std::size_t>(*length));
    co_return co_await read_chunked_body(parser, bytes_max);
}

Task<std::optional<Connection::Refusal>> Connection::read_sized_body(Request& request, std::size_t length) {
    auto& body = request.body;
    auto filled = std::min(buffer_.size(), length);
    body.assign(static_cast<const char*>(buffer_.data().data()), filled);
    buffer_.consume(filled);
    while (filled < length) {
        // Memory grows with what has come, not with what was announced.
        if (filled == body.size()) body.resize(std::min(length, std::max(kBodyReadBytes, 2 * filled)));
        error_code error;
        const auto count =
            co_await socket_.async_read_some(asio::buffer(body.data() + filled, body.size() - filled),
                                             asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return refusal_for_read();
        filled += count;
        extend_deadline(count);
    }
    co_return std::nullopt;
}

Task<std::optional<Connection::Refusal>> Connection::read_chunked_body(RequestParser& parser,
                                                                       std::size_t bytes_max) {
    parser.eager(true);
    parser.body_limit(bytes_max);
    for (;;) {
        if (buffer_.size() > 0) {
            error_code error;
            buffer_.consume(parser.put(buffer_.data(), error));
            if (error == bhttp::error::body_limit) {
                co_return Refusal{413, "M_TOO_LARGE", "The request's body is too large"};
            }
            // What stays in the buffer is the line of a chunk's size or a trailer.
            if ((error && error != bhttp::error::need_more) ||
                buffer_.size() > server_->limits.header_bytes_max) {
                co_return Refusal{400, "M_UNKNOWN", "Malformed chunked body"};
            }
            if (parser.is_done()) co_return std::nullopt;
        }
        const auto count = co_await fill(kBodyReadBytes);
        if (count == 0) co_return refusal_for_read();
        extend_deadline(count);
    }
}

Task<std::size_t> Connection::fill(std::size_t bytes_max) {
    error_code error;
    const auto count = co_await socket_.async_read_some(buffer_.prepare(bytes_max),
                                                        asio::redirect_error(asio::use_awaitable, error));
    buffer_.commit(count);
    co_return error ? 0 : count;
}

Connection::Refusal Connection::refusal_for_read() const {
    if (!expired_ || phase_ == Phase::kIdle) return {};
    return {408, "M_UNKNOWN", "Timed out waiting for the request"};
}

void Connection::send_continue() {
    error_code
        ignored;  // if nothing can be sent, the client waits a moment and then sends its body all the same
    socket_.write_some(asio::buffer(std::string_view{"HTTP/1.1 100 Continue\r\n\r\n"}), ignored);
}

Task<std::optional<Response>> Connection::run(Request request) {
    const CountInFlight in_flight{server_->requests_in_flight};
    auto call = server_->router.start(std::move(request));
    handling_timeout_ms_ = call.timeout_ms;
    enter(Phase::kHandling, handling_timeout_ms_);
    interruption_ = call.interruption;
    cancel_on_disconnect_ = call.cancel_on_disconnect;
    ++request_number_;
    std::optional<Response> response;
    try {
        response = co_await asio::co_spawn(core::with_context(server_->executor, call.context),
                                           std::move(call.response),
                                           asio::bind_cancellation_slot(cancel_.slot(), asio::use_awaitable));
    } catch (const boost::system::system_error& error) {
        core::log_debug("http.connection", "{}: no answer ({})", call.context->name(), error.what());
    }
    cancel_.slot().clear();
    stop_watching();
    if (response && response->body_stream) {
        response->body_stream = std::make_shared<BodyOfRequest>(std::move(response->body_stream),
                                                                server_->executor, std::move(call.context));
        co_return response;
    }
    // Later: we may have been resumed from inside the request's last step, which still has to leave its
    // context.
    asio::post(server_->executor, [context = std::move(call.context)] { context->finish(); });
    co_return response;
}

Task<void> Connection::write(Response response, ResponseTraits traits) {
    const auto head = prepare_response(response, traits, server_->compressor, server_->clock.now_ms());
    const auto stream = traits.head_only ? nullptr : std::move(response.body_stream);
    const auto total = head.size() + response.body.size();
    enter(Phase::kWriting, server_->limits.body_timeout_ms);
    extend_deadline(total);
    std::array<asio::const_buffer, 2> buffers{asio::buffer(head), asio::buffer(response.body)};
    // Nearly always all of it fits into the socket's buffer, and there is nothing to wait for.
    error_code error;
    const auto sent = socket_.write_some(buffers, error);
    if (error && !is_blocked(error)) throw boost::system::system_error{error};
    if (sent < total) {
        buffers[1] += sent > head.size() ? sent - head.size() : 0;
        buffers[0] += sent;  // no further than its end
        co_await asio::async_write(socket_, buffers, asio::use_awaitable);
    }
    if (stream) co_await write_stream(stream);
}

Task<void> Connection::write_stream(BodyStreamPtr body) {
    // A body that turns out shorter or longer than its head says leaves the client out of step: the exception
    // ends the connection.
    const auto length = body->length();
    std::uint64_t sent = 0;
    for (;;) {
        // The client is not to blame for the time that a piece takes to be made.
        enter(Phase::kWriting, handling_timeout_ms_);
        const auto piece = co_await body->next();
        if (piece.empty()) break;
        sent += piece.size();
        if (length && sent > *length) throw std::runtime_error{"a response's body is longer than announced"};
        enter(Phase::kWriting, server_->limits.body_timeout_ms);
        extend_deadline(piece.size());
        const auto size_line = length ? std::string{} : fmt::format("{:x}\r\n", piece.size());
        const std::string_view end_of_chunk = length ? "" : "\r\n";
        const std::array<asio::const_buffer, 3> buffers{asio::buffer(size_line), asio::buffer(piece),
                                                        asio::buffer(end_of_chunk)};
        co_await asio::async_write(socket_, buffers, asio::use_awaitable);
    }
    if (length && sent < *length) throw std::runtime_error{"a response's body is shorter than announced"};
    if (!length)
        co_await asio::async_write(socket_, asio::buffer(std::string_view{"0\r\n\r\n"}), asio::use_awaitable);
}

Task<void> Connection::refuse(Refusal refusal, ResponseTraits traits) {
    traits.keep_alive = false;
    const core::MatrixError error{refusal.status, std::string{refusal.errcode}, std::string{refusal.error}};
    co_await write(error_response(error), traits);
    co_await linger();
}

Task<void> Connection::linger() {
    // Closing with unread input resets the connection, and the client may lose the answer that explains it.
    enter(Phase::kLingering, kLingerMs);
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    buffer_.clear();
    for (std::size_t seen = 0; seen < kLingerBytesMax;) {
        const auto count = co_await fill(kBodyReadBytes);
        if (count == 0) break;
        buffer_.clear();
        seen += count;
    }
}

void Connection::enter(Phase phase, std::int64_t timeout_ms) {
    phase_ = phase;
    phase_began_ms_ = server_->clock.monotonic_ms();
    deadline_ms_ = timeout_ms > 0 ? phase_began_ms_ + timeout_ms : 0;
    expired_ = false;
}

void Connection::extend_deadline(std::size_t bytes) {
    if (deadline_ms_ != 0) deadline_ms_ += static_cast<std::int64_t>(bytes / kSlowBytesPerMs);
}

bool Connection::is_due(std::int64_t now_ms) const {
    if (deadline_ms_ != 0 && now_ms >= deadline_ms_) return true;
    return phase_ == Phase::kHandling && cancel_on_disconnect_ && watch_ == Watch::kNone &&
           now_ms - phase_began_ms_ >= kWatchAfterMs;
}

void Connection::on_due(std::int64_t now_ms) {
    if (deadline_ms_ == 0 || now_ms < deadline_ms_) {
        watch();
        return;
    }
    deadline_ms_ = 0;
    expired_ = true;
    error_code ignored;
    switch (phase_) {
        case Phase::kIdle:
        case Phase::kHead:
        case Phase::kBody:
            socket_.cancel(ignored);
            break;
        case Phase::kHandling:
            interrupt(Interruption::kTimeout);
            break;
        case Phase::kWriting:
        case Phase::kLingering:
            close();
            break;
    }
}

void Connection::interrupt(Interruption why) {
    if (*interruption_ == Interruption::kNone) *interruption_ = why;
    cancel_.emit(asio::cancellation_type::terminal);
}

void Connection::watch() {
    watch_ = Watch::kWaiting;
    socket_.async_wait(Socket::wait_read,
                       [self = shared_from_this(), number = request_number_](const error_code& error) {
                           if (!error && number == self->request_number_) self->on_readable();
                       });
}

void Connection::stop_watching() {
    error_code ignored;
    if (watch_ == Watch::kWaiting) socket_.cancel(ignored);
    watch_ = Watch::kNone;
}

void Connection::on_readable() {
    if (phase_ != Phase::kHandling || watch_ != Watch::kWaiting) return;
    switch (peek(socket_)) {
        case Peek::kNothing:
            watch();
            break;
        case Peek::kData:
            watch_ = Watch::kOver;
            break;  // the next request is here already: the client is alive
        case Peek::kEnd:
            watch_ = Watch::kOver;
            interrupt(Interruption::kDisconnect);
            break;
    }
}

void Connection::close_if_idle() {
    if (phase_ == Phase::kIdle && peek(socket_) != Peek::kData) close();
}

void Connection::abort() {
    if (phase_ == Phase::kHandling) {
        interrupt(Interruption::kShutdown);
    } else {
        close();
    }
}

void Connection::close() {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_both, ignored);
    socket_.close(ignored);
}

}  // namespace weft::http
