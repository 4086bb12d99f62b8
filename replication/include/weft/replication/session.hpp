#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "weft/proto/replication/commands.hpp"

namespace weft::replication {

enum class SessionRole { kServer, kClient };

/// Why a connection ended; a metric label.
enum class CloseReason {
    kPeerClosed,
    kShutdown,
    kParseError,
    kInvalidCommand,
    kLineTooLong,
    kInvalidUtf8,
    kPingTimeout,
    kWrongServer,
    kTooSlow,
    kSocketError,
};
std::string_view to_string(CloseReason reason);

struct SendLine {
    std::string line;
};
/// A valid command that the peer may send and that is not the session's own business.
struct Deliver {
    proto::replication::Command command;
};
/// Send what is queued, then close. The rest of what was received is void.
struct CloseSession {
    CloseReason reason = CloseReason::kPeerClosed;
    /// For the log: what an operator should know.
    std::string explanation;
};
/// The peer did not close within the timeout after we asked for it.
struct AbortSession {};
using SessionAction = std::variant<SendLine, Deliver, CloseSession, AbortSession>;
using SessionActions = std::vector<SessionAction>;

/// One end of a replication connection: who speaks first, what may be said by whom, keep-alive and what
/// closes the connection. Pure: lines and times go in, actions come out. Times are monotonic milliseconds.
class Session {
public:
    struct Options {
        SessionRole role = SessionRole::kServer;
        std::string server_name;
        std::string instance_name;
        std::int64_t ping_interval_ms = 5'000;
        std::int64_t ping_timeout_ms = 25'000;
    };

    explicit Session(Options options) : options_{std::move(options)} {}

    /// The connection stands. `wall_ms` is the content of the first PING.
    SessionActions on_open(std::int64_t now, std::int64_t wall_ms);
    /// A line without its line feed.
    SessionActions on_line(std::string_view line, std::int64_t now);
    /// The short way for an RDATA in good order, of which there are many: taken as received, and nothing else
    /// is to be done but to deliver it. Nothing for any other line: on_line() decides.
    std::optional<proto::replication::RdataView> on_rdata(std::string_view line, std::int64_t now);
    SessionActions on_line_too_long();
    /// Every ping_interval_ms.
    SessionActions on_tick(std::int64_t now, std::int64_t wall_ms);
    /// Something was sent to the peer.
    void on_sent(std::int64_t now) { last_sent_ = now; }
    /// We close by our own decision.
    void on_closing(std::int64_t now);

    /// What the peer called itself by NAME; empty before.
    const std::string& peer_name() const { return peer_name_; }
    /// Client: the server proved to be the right one.
    bool server_confirmed() const { return server_confirmed_; }
    bool closing() const { return closing_; }

private:
    SessionActions fail(CloseReason reason, std::string error_text, std::string explanation);
    bool may_come_from_peer(const proto::replication::Command& command) const;

    Options options_;
    std::int64_t opened_ = 0;
    std::int64_t last_sent_ = 0;
    std::int64_t last_received_ = 0;
    std::optional<std::int64_t> closing_since_;
    bool closing_ = false;
    bool peer_pings_ = false;
    bool server_confirmed_ = false;
    bool answered_ = false;  // a POSITION came
    std::string peer_name_;
};

}  // namespace weft::replication
