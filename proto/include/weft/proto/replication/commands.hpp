#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "weft/core/result.hpp"

/// The replication protocol's lines: `NAME SP rest LF`. A command is a struct that knows its name, who may
/// send it, its grammar, how to read itself and how to write itself; the variant at the end is the table that
/// parsing, formatting and direction checks fold over. Described in docs/replication.md.
namespace weft::proto::replication {

/// The longest line, without its line feed, in either direction.
inline constexpr std::size_t kLineBytesMax = 16'384;

/// Where two spellings exist, which one is sent; all are understood.
enum class Dialect { kWeft, kSynapse115 };
std::optional<Dialect> parse_dialect(std::string_view name);

/// The end of a connection that may send a command. The server is the master's listener.
enum class SentBy { kServer, kClient, kEither };

/// Splits the rest of a line; remembers its first failure so that a parser reads straight down.
class Fields;

/// Identity of the server, the first line of a connection.
struct Server {
    static constexpr std::string_view kName = "SERVER";
    static constexpr std::string_view kGrammar = "<server_name>";
    static constexpr SentBy kSentBy = SentBy::kServer;
    std::string server_name;
    bool operator==(const Server&) const = default;
};

/// One row of a stream. Without a token the row is part of a batch: more rows of the same token follow and
/// the last one carries it. The row stays JSON text until somebody needs it: a relay never does.
struct Rdata {
    static constexpr std::string_view kName = "RDATA";
    static constexpr std::string_view kGrammar = "<stream> <instance> <token|batch> <row_json>";
    static constexpr SentBy kSentBy = SentBy::kEither;
    std::string stream;
    std::string instance;
    std::optional<std::int64_t> token;
    std::string row;
    bool operator==(const Rdata&) const = default;
};

/// An Rdata that points into its line.
struct RdataView {
    std::string_view stream;
    std::string_view instance;
    std::optional<std::int64_t> token;
    std::string_view row;
};

/// `instance` has made everything of `stream` visible up to `token`. With `previous` (Synapse 1.22 and later)
/// it also says that there is nothing in (previous, token].
struct Position {
    static constexpr std::string_view kName = "POSITION";
    static constexpr std::string_view kGrammar = "<stream> <instance> [<previous>] <token>";
    static constexpr SentBy kSentBy = SentBy::kEither;
    std::string stream;
    std::string instance;
    std::optional<std::int64_t> previous;
    std::int64_t token = 0;
    bool operator==(const Position&) const = default;
};

/// Why the sender is about to close.
struct Error {
    static constexpr std::string_view kName = "ERROR";
    static constexpr std::string_view kGrammar = "<text>";
    static constexpr SentBy kSentBy = SentBy::kEither;
    std::string text;
    bool operator==(const Error&) const = default;
};

/// Sign of life; by convention the sender's clock in milliseconds. A peer that never sends one is never timed
/// out.
struct Ping {
    static constexpr std::string_view kName = "PING";
    static constexpr std::string_view kGrammar = "<text>";
    static constexpr SentBy kSentBy = SentBy::kEither;
    std::string text;
    bool operator==(const Ping&) const = default;
};

/// Instance name of the client, for logs and metrics.
struct Name {
    static constexpr std::string_view kName = "NAME";
    static constexpr std::string_view kGrammar = "<instance>";
    static constexpr SentBy kSentBy = SentBy::kClient;
    std::string name;
    bool operator==(const Name&) const = default;
};

/// Asks for a POSITION of every stream. `streams` (Weft's own; others ignore it) limits what the server sends
/// on this connection from now on; empty means all.
struct Replicate {
    static constexpr std::string_view kName = "REPLICATE";
    static constexpr std::string_view kGrammar = "[streams=<name>,<name>…]";
    static constexpr SentBy kSentBy = SentBy::kClient;
    std::vector<std::string> streams;
    bool operator==(const Replicate&) const = default;
};

/// A user began or ended syncing at the process with this (random, per start) instance ID.
struct UserSync {
    static constexpr std::string_view kName = "USER_SYNC";
    static constexpr std::string_view kGrammar = "<instance_id> <user_id> <start|end> <last_sync_ms>";
    static constexpr SentBy kSentBy = SentBy::kClient;
    std::string instance_id;
    std::string user_id;
    bool is_syncing = false;
    std::int64_t last_sync_ms = 0;
    bool operator==(const UserSync&) const = default;
};

/// Nobody syncs any more at the process with this instance ID. Synapse 1.15 spells it in the singular.
struct ClearUserSyncs {
    static constexpr std::string_view kName = "CLEAR_USER_SYNCS";
    static constexpr std::string_view kSynapseName = "CLEAR_USER_SYNC";
    static constexpr std::string_view kGrammar = "<instance_id>";
    static constexpr SentBy kSentBy = SentBy::kClient;
    std::string instance_id;
    bool operator==(const ClearUserSyncs&) const = default;
};

/// The federation sender has saved everything of the federation stream up to `token`. Synapse 1.15 sends no
/// instance.
struct FederationAck {
    static constexpr std::string_view kName = "FEDERATION_ACK";
    static constexpr std::string_view kGrammar = "[<instance>] <token>";
    static constexpr SentBy kSentBy = SentBy::kClient;
    std::optional<std::string> instance;
    std::int64_t token = 0;
    bool operator==(const FederationAck&) const = default;
};

/// The push gateway rejected a pusher. The push key may contain spaces; the other two may not.
struct RemovePusher {
    static constexpr std::string_view kName = "REMOVE_PUSHER";
    static constexpr std::string_view kGrammar = "<app_id> <push_key> <user_id>";
    static constexpr SentBy kSentBy = SentBy::kClient;
    std::string app_id;
    std::string push_key;
    std::string user_id;
    bool operator==(const RemovePusher&) const = default;
};

/// A user was seen. Sent as `<user_id> [access_token, ip, user_agent, device_id, last_seen_ms]`.
struct UserIp {
    static constexpr std::string_view kName = "USER_IP";
    static constexpr std::string_view kGrammar =
        "<user_id> [\"access_token\", \"ip\", \"user_agent\", \"device_id\", last_seen_ms]";
    static constexpr SentBy kSentBy = SentBy::kClient;
    std::string user_id;
    std::string access_token;
    std::string ip;
    std::optional<std::string> user_agent;
    std::optional<std::string> device_id;
    std::int64_t last_seen_ms = 0;
    bool operator==(const UserIp&) const = default;
};

/// Another homeserver can be reached again.
struct RemoteServerUp {
    static constexpr std::string_view kName = "REMOTE_SERVER_UP";
    static constexpr std::string_view kGrammar = "<server_name>";
    static constexpr SentBy kSentBy = SentBy::kEither;
    std::string server_name;
    bool operator==(const RemoteServerUp&) const = default;
};

/// Adding a struct here, and its parse and format functions, is the whole registration of a command.
using Command = std::variant<Server, Rdata, Position, Error, Ping, Name, Replicate, UserSync, ClearUserSyncs,
                             FederationAck, RemovePusher, UserIp, RemoteServerUp>;

struct CommandInfo {
    std::string_view name;
    SentBy sent_by;
    std::string_view grammar;
};
/// All commands, in the variant's order.
const std::array<CommandInfo, std::variant_size_v<Command>>& command_table();

std::string_view command_name(const Command& command);
SentBy command_sent_by(const Command& command);

/// Reads a line (without its line feed; not empty). The error's message is in the spelling of the reference
/// implementation, e.g. `KeyError('FOO')`.
core::Result<Command> parse_line(std::string_view line);

/// The same for RDATA alone, without copying anything: the readers' hot path. Nothing for any other line, and
/// for an RDATA that is written in an unusual way or cannot be read: parse_line() tells which.
std::optional<RdataView> view_rdata(std::string_view line);

/// Writes a command without line feed: parse_line(format_line(c)) == c. Refuses a command that would contain
/// a line feed or be longer than kLineBytesMax.
core::Result<std::string> format_line(const Command& command, Dialect dialect = Dialect::kWeft);

/// `RDATA <stream> <instance> <token|batch> <row_json>`, without a Command in between: the writers' hot path.
void append_rdata(std::string& out, std::string_view stream, std::string_view instance,
                  std::optional<std::int64_t> token, std::string_view row_json);

/// The text of the ERROR that answers a line which cannot be parsed; never longer than a line may be.
std::string parse_error_text(std::string_view line, const core::ParseError& error);

/// A line that a browser, proxy or HTTP server would send: a port is misconfigured.
bool looks_like_http(std::string_view line);

}  // namespace weft::proto::replication
