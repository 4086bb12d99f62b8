#include "weft/replication/session.hpp"

#include <fmt/format.h>

#include "weft/proto/json.hpp"

namespace weft::replication {

namespace pr = proto::replication;

namespace {

/// Lines of the session itself are short and free of line feeds.
SendLine say(const pr::Command& command) {
    const auto line = pr::format_line(command);
    return SendLine{line ? *line : "ERROR internal error"};
}

}  // namespace

std::string_view to_string(CloseReason reason) {
    switch (reason) {
        case CloseReason::kPeerClosed:
            return "peer_closed";
        case CloseReason::kShutdown:
            return "shutdown";
        case CloseReason::kParseError:
            return "parse_error";
        case CloseReason::kInvalidCommand:
            return "invalid_command";
        case CloseReason::kLineTooLong:
            return "line_too_long";
        case CloseReason::kInvalidUtf8:
            return "invalid_utf8";
        case CloseReason::kPingTimeout:
            return "ping_timeout";
        case CloseReason::kWrongServer:
            return "wrong_server";
        case CloseReason::kTooSlow:
            return "too_slow";
        case CloseReason::kSocketError:
            return "socket_error";
    }
    return "unknown";
}

SessionActions Session::on_open(std::int64_t now, std::int64_t wall_ms) {
    opened_ = last_sent_ = last_received_ = now;
    SessionActions actions;
    if (options_.role == SessionRole::kServer) {
        actions.emplace_back(say(pr::Server{options_.server_name}));
    } else {
        actions.emplace_back(say(pr::Name{options_.instance_name}));
    }
    actions.emplace_back(say(pr::Ping{std::to_string(wall_ms)}));
    return actions;
}

SessionActions Session::on_line(std::string_view line, std::int64_t now) {
    if (closing_ || line.empty() || line == "\r") return {};
    if (!proto::is_valid_utf8(line)) {
        closing_since_ = now;
        return fail(CloseReason::kInvalidUtf8, {}, "a line is not UTF-8");
    }
    auto command = pr::parse_line(line);
    if (!command) {
        closing_since_ = now;
        std::string explanation = command.error().message;
        if (pr::looks_like_http(line)) {
            explanation =
                options_.role == SessionRole::kServer
                    ? "the peer speaks HTTP to the replication port: its RPC address (instance_map, "
                      "worker_replication_http_port) or a proxy points here"
                    : "the other side speaks HTTP: worker_replication_port must be the port of the "
                      "listener of type replication, not of an HTTP listener";
        }
        return fail(CloseReason::kParseError, pr::parse_error_text(line, command.error()),
                    std::move(explanation));
    }
    if (!may_come_from_peer(*command)) {
        closing_since_ = now;
        auto text = fmt::format("invalid command: {}", line.substr(0, line.find(' ')));
        return fail(CloseReason::kInvalidCommand, text, text);
    }

    last_received_ = now;
    SessionActions actions;
    if (std::holds_alternative<pr::Ping>(*command)) {
        peer_pings_ = true;
        return actions;
    }
    if (const auto* server = std::get_if<pr::Server>(&*command)) {
        if (server->server_name != options_.server_name) {
            closing_since_ = now;
            return fail(CloseReason::kWrongServer, "Wrong remote",
                        fmt::format("the server calls itself {}, but this process belongs to {}: check "
                                    "worker_replication_host, worker_replication_port and server_name",
                                    server->server_name, options_.server_name));
        }
        server_confirmed_ = true;
        return actions;
    }
    if (const auto* name = std::get_if<pr::Name>(&*command)) peer_name_ = name->name;
    answered_ = answered_ || std::holds_alternative<pr::Position>(*command);
    actions.emplace_back(Deliver{std::move(*command)});
    return actions;
}

std::optional<pr::RdataView> Session::on_rdata(std::string_view line, std::int64_t now) {
    static_assert(pr::Rdata::kSentBy == pr::SentBy::kEither);
    if (closing_) return std::nullopt;
    auto view = pr::view_rdata(line);
    if (!view || !proto::is_valid_utf8(line)) return std::nullopt;
    last_received_ = now;
    return view;
}

SessionActions Session::on_line_too_long() {
    if (closing_) return {};
    return fail(CloseReason::kLineTooLong, "Line length exceeded",
                fmt::format("a line is longer than {} bytes", pr::kLineBytesMax));
}

SessionActions Session::on_tick(std::int64_t now, std::int64_t wall_ms) {
    SessionActions actions;
    if (closing_) {
        if (!closing_since_) closing_since_ = now;
        if (now - *closing_since_ > options_.ping_timeout_ms) actions.emplace_back(AbortSession{});
        return actions;
    }
    if (now - last_sent_ >= options_.ping_interval_ms)
        actions.emplace_back(say(pr::Ping{std::to_string(wall_ms)}));
    std::string silence;
    const bool is_client = options_.role == SessionRole::kClient;
    // A client may never say PING (telnet does not); a server always does, and answers REPLICATE.
    if ((peer_pings_ || is_client) && now - last_received_ > options_.ping_timeout_ms) {
        silence = fmt::format("nothing was heard for {} ms", now - last_received_);
    } else if (is_client && !answered_ && now - opened_ > options_.ping_timeout_ms) {
        silence = fmt::format("REPLICATE was not answered for {} ms", now - opened_);
    }
    if (!silence.empty()) {
        closing_since_ = now;
        for (auto& action : fail(CloseReason::kPingTimeout, "ping timeout", std::move(silence))) {
            actions.push_back(std::move(action));
        }
    }
    return actions;
}

void Session::on_closing(std::int64_t now) {
    closing_ = true;
    if (!closing_since_) closing_since_ = now;
}

SessionActions Session::fail(CloseReason reason, std::string error_text, std::string explanation) {
    closing_ = true;
    SessionActions actions;
    if (!error_text.empty()) actions.emplace_back(say(pr::Error{std::move(error_text)}));
    actions.emplace_back(CloseSession{reason, std::move(explanation)});
    return actions;
}

bool Session::may_come_from_peer(const pr::Command& command) const {
    const auto sent_by = pr::command_sent_by(command);
    if (sent_by == pr::SentBy::kEither) return true;
    return sent_by == (options_.role == SessionRole::kServer ? pr::SentBy::kClient : pr::SentBy::kServer);
}

}  // namespace weft::replication
