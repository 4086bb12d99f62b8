#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_set>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "compression.hpp"
#include "forwarded.hpp"
#include "listener.hpp"
#include "request_body.hpp"
#include "request_parser.hpp"
#include "response_writer.hpp"
#include "weft/core/async.hpp"
#include "weft/core/clock.hpp"
#include "weft/http/server.hpp"

namespace weft::http {

class Connection;

/// What the connections of a server share. Outlives the server as long as a connection does.
struct ServerState {
    ServerState(asio::any_io_executor on, Router& routes, const ServerLimits& bounds,
                const std::vector<std::string>& trusted_proxies, bool believe_forwarded)
        : executor{std::move(on)},
          router{routes},
          limits{bounds},
          trusted{trusted_proxies},
          x_forwarded{believe_forwarded},
          emptied{executor} {}

    asio::any_io_executor executor;
    Router& router;
    ServerLimits limits;
    TrustedProxies trusted;
    bool x_forwarded;
    core::TlsContext tls;  // null: in the clear
    core::SystemClock clock;
    Compressor compressor;
    std::unordered_set<Connection*> connections;
    std::size_t requests_in_flight = 0;
    bool stopping = false;  // no new requests on kept connections
    bool closed = false;    // the server is gone, and so may be the router
    core::Signal emptied;   // the last connection has gone
};

/// One connection, from accept to close: reads a request, runs it, answers it, and only then reads the next
/// one, so pipelined requests are answered in order. All waits have a deadline, which is_due() and on_due()
/// enforce from outside: a deadline costs a store instead of a timer.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<ServerState> server, Socket socket, Peer peer);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Serves until either side closes. Never throws but for cancellation.
    Task<void> serve();

    /// Called now and then: a deadline has passed, or a handler runs so long that its client is worth
    /// watching.
    bool is_due(std::int64_t now_ms) const;
    void on_due(std::int64_t now_ms);
    /// Closes a kept connection on which no request has begun.
    void close_if_idle();
    /// Ends what the connection is doing: cancels its request, or closes it if there is none.
    void abort();
    void close();

private:
    enum class Phase { kIdle, kHead, kBody, kHandling, kWriting, kLingering };

    /// Why a request is not run; `status` 0: nobody is there to be told.
    struct Refusal {
        int status = 0;
        std::string_view errcode;
        std::string_view error;
    };

    Task<bool> secure();
    Task<bool> serve_one();
    Task<std::optional<Refusal>> read_head(RequestParser& parser);
    Task<std::optional<Refusal>> read_body(RequestParser& parser, std::size_t bytes_max);
    Task<std::optional<Refusal>> read_sized_body(Request& request, std::size_t length);
    Task<std::optional<Refusal>> read_chunked_body(RequestParser& parser, std::size_t bytes_max);
    /// The body is left to the handler; nothing if there is none to wait for.
    std::shared_ptr<RequestBody> stream_body(RequestParser& parser, std::size_t bytes_max);
    Task<std::string> read_piece(RequestParser& parser);
    Task<std::string> read_sized_piece();
    Task<std::string> read_chunked_piece(RequestParser& parser);
    [[noreturn]] void fail_read() const;
    /// Bytes that arrived in the buffer; 0 at the end of the stream, at a deadline or when the peer is lost.
    Task<std::size_t> fill(std::size_t bytes_max);
    Task<std::optional<Response>> run(Request request);
    Task<void> write(Response response, ResponseTraits traits);
    Task<void> write_stream(BodyStreamPtr body);
    Task<void> refuse(Refusal refusal, ResponseTraits traits);
    Task<void> linger();

    ResponseTraits traits_of(const RequestParser& parser) const;
    void enter(Phase phase, std::int64_t timeout_ms);
    void extend_deadline(std::size_t bytes);
    void interrupt(Interruption why);
    void watch();
    void stop_watching();
    void on_readable();
    void send_continue();
    std::optional<Refusal> complete(Request& request) const;
    Refusal refusal_for_read() const;

    std::shared_ptr<ServerState> server_;
    Socket socket_;
    Peer peer_;
    bool trusted_peer_;
    boost::beast::flat_buffer buffer_;

    Phase phase_ = Phase::kIdle;
    std::int64_t deadline_ms_ = 0;  // monotonic; 0: none
    std::int64_t phase_began_ms_ = 0;
    bool expired_ = false;

    // Of the running request
    asio::cancellation_signal cancel_;
    std::shared_ptr<Interruption> interruption_;
    bool cancel_on_disconnect_ = false;
    enum class Watch { kNone, kWaiting, kOver } watch_ = Watch::kNone;
    std::uint64_t request_number_ = 0;
    std::int64_t handling_timeout_ms_ = 0;

    // Of a body that the handler reads
    std::uint64_t body_left_ = 0;         // of known length: bytes to come
    std::int64_t body_patience_ms_ = 0;   // what is left of the body's deadline
    bool continue_wanted_ = false;
};

}  // namespace weft::http
