#include "weft/proto/replication/commands.hpp"

#include <charconv>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "replication/fields.hpp"
#include "weft/proto/replication/ascii_json.hpp"

namespace weft::proto::replication {
namespace {

using core::Result;

// Reading. One function a command; the fields are what follows the name and one space.

Result<Server> read(std::type_identity<Server>, Fields fields) {
    return Server{std::string{fields.rest()}};
}
Result<Error> read(std::type_identity<Error>, Fields fields) {
    return Error{std::string{fields.rest()}};
}
Result<Ping> read(std::type_identity<Ping>, Fields fields) {
    return Ping{std::string{fields.rest()}};
}
Result<Name> read(std::type_identity<Name>, Fields fields) {
    return Name{std::string{fields.rest()}};
}
Result<RemoteServerUp> read(std::type_identity<RemoteServerUp>, Fields fields) {
    return RemoteServerUp{std::string{fields.rest()}};
}
Result<ClearUserSyncs> read(std::type_identity<ClearUserSyncs>, Fields fields) {
    return ClearUserSyncs{std::string{fields.rest()}};
}

Result<Rdata> read(std::type_identity<Rdata>, Fields fields) {
    fields.split(4, 4);
    Rdata command{fields.word(), fields.word(), std::nullopt, {}};
    const auto token = fields.word();
    if (token != "batch") {
        command.token = parse_integer(token);
        if (!command.token) {
            fields.fail(fmt::format("ValueError({})", python_repr("invalid literal for int() with base 10: " +
                                                                  python_repr(token))));
        }
    }
    command.row = fields.word();
    return fields.finish(std::move(command));
}

Result<Position> read(std::type_identity<Position>, Fields fields) {
    fields.split(3, 4);
    const bool has_previous = fields.size() == 4;
    Position command{fields.word(), fields.word(), std::nullopt, 0};
    if (has_previous) command.previous = fields.integer();
    command.token = fields.integer();
    return fields.finish(std::move(command));
}

Result<Replicate> read(std::type_identity<Replicate>, Fields fields) {
    // Whatever else stands here is ignored: old clients name streams and tokens in other ways.
    constexpr std::string_view kPrefix = "streams=";
    Replicate command;
    auto rest = fields.rest();
    if (!rest.starts_with(kPrefix)) return command;
    rest.remove_prefix(kPrefix.size());
    rest = rest.substr(0, rest.find_first_of(" \r"));
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        if (comma != 0) command.streams.emplace_back(rest.substr(0, comma));
        rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    }
    return command;
}

Result<UserSync> read(std::type_identity<UserSync>, Fields fields) {
    fields.split(4, 4);
    UserSync command{fields.word(), fields.word(), false, 0};
    const auto state = fields.word();
    command.is_syncing = state == "start";
    if (state != "start" && state != "end") {
        fields.fail(
            fmt::format("Exception({})", python_repr("Invalid USER_SYNC state " + python_repr(state))));
    }
    command.last_sync_ms = fields.integer();
    return fields.finish(std::move(command));
}

Result<FederationAck> read(std::type_identity<FederationAck>, Fields fields) {
    fields.split(1, 2);
    FederationAck command;
    if (fields.size() == 2) command.instance = fields.word();
    command.token = fields.integer();
    return fields.finish(std::move(command));
}

Result<RemovePusher> read(std::type_identity<RemovePusher>, Fields fields) {
    // Application and user IDs have no spaces, so those between the first and the last belong to the push
    // key.
    fields.split(3, 3);
    if (fields.size() != 3) return fields.finish(RemovePusher{});
    const auto rest = fields.rest();
    const auto first = rest.find(' ');
    const auto last = rest.rfind(' ');
    return RemovePusher{std::string{rest.substr(0, first)},
                        std::string{rest.substr(first + 1, last - first - 1)},
                        std::string{rest.substr(last + 1)}};
}

/// Null and "" both stand for "not known".
bool read_optional(const json::value& value, std::optional<std::string>& out) {
    if (value.is_null()) return true;
    if (!value.is_string()) return false;
    if (!value.get_string().empty()) out.emplace(value.get_string());
    return true;
}

Result<UserIp> read(std::type_identity<UserIp>, Fields fields) {
    fields.split(2, 2);
    UserIp command{fields.word(), {}, {}, {}, {}, 0};
    const auto text = fields.word();
    if (fields.size() != 2) return fields.finish(std::move(command));
    const auto parsed = parse_row_json(text);
    if (!parsed) return parsed.error();
    const auto* array = parsed->if_array();
    if (array == nullptr || array->size() != 5) {
        return core::ParseError{"ValueError('USER_IP wants an array of 5')"};
    }
    const auto& seen = (*array)[4];
    if (!(*array)[0].is_string() || !(*array)[1].is_string() ||
        !read_optional((*array)[2], command.user_agent) || !read_optional((*array)[3], command.device_id) ||
        !seen.is_int64()) {
        return core::ParseError{"ValueError('USER_IP fields of unexpected types')"};
    }
    command.access_token = (*array)[0].get_string();
    command.ip = (*array)[1].get_string();
    command.last_seen_ms = seen.get_int64();
    return command;
}

// Writing. What follows the name and one space.

void write(const Server& command, std::string& out) {
    out += command.server_name;
}
void write(const Error& command, std::string& out) {
    out += command.text;
}
void write(const Ping& command, std::string& out) {
    out += command.text;
}
void write(const Name& command, std::string& out) {
    out += command.name;
}
void write(const RemoteServerUp& command, std::string& out) {
    out += command.server_name;
}
void write(const ClearUserSyncs& command, std::string& out) {
    out += command.instance_id;
}

void write(const Rdata& command, std::string& out) {
    out += command.stream;
    out += ' ';
    out += command.instance;
    out += ' ';
    out += command.token ? std::to_string(*command.token) : "batch";
    out += ' ';
    out += command.row;
}

void write(const Position& command, std::string& out) {
    out += command.stream + ' ' + command.instance + ' ';
    if (command.previous) out += std::to_string(*command.previous) + ' ';
    out += std::to_string(command.token);
}

void write(const Replicate& command, std::string& out) {
    const char* separator = "streams=";
    for (const auto& stream : command.streams) {
        out += separator + stream;
        separator = ",";
    }
}

void write(const UserSync& command, std::string& out) {
    out += fmt::format("{} {} {} {}", command.instance_id, command.user_id,
                       command.is_syncing ? "start" : "end", command.last_sync_ms);
}

void write(const FederationAck& command, std::string& out) {
    if (command.instance) out += *command.instance + ' ';
    out += std::to_string(command.token);
}

void write(const RemovePusher& command, std::string& out) {
    out += command.app_id + ' ' + command.push_key + ' ' + command.user_id;
}

json::value optional_json(const std::optional<std::string>& text) {
    return text ? json::value(*text) : json::value(nullptr);
}

void write(const UserIp& command, std::string& out) {
    out += command.user_id + ' ';
    append_ascii_json(out, json::array{command.access_token, command.ip, optional_json(command.user_agent),
                                       optional_json(command.device_id), command.last_seen_ms});
}

// The table.

template <class T>
constexpr CommandInfo info_of() {
    return {T::kName, T::kSentBy, T::kGrammar};
}

template <class... T>
constexpr std::array<CommandInfo, sizeof...(T)> make_table(std::type_identity<std::variant<T...>>) {
    return {info_of<T>()...};
}

template <class T>
bool try_read(std::string_view name, std::string_view rest, std::optional<Result<Command>>& out) {
    if (name != T::kName) return false;
    auto command = read(std::type_identity<T>{}, Fields{rest});
    if (command) {
        out.emplace(Command{std::move(*command)});
    } else {
        out.emplace(command.error());
    }
    return true;
}

template <class... T>
std::optional<Result<Command>> read_any(std::type_identity<std::variant<T...>>, std::string_view name,
                                        std::string_view rest) {
    std::optional<Result<Command>> out;
    (try_read<T>(name, rest, out) || ...);
    return out;
}

}  // namespace

std::optional<Dialect> parse_dialect(std::string_view name) {
    if (name == "weft") return Dialect::kWeft;
    if (name == "synapse-1.15") return Dialect::kSynapse115;
    return std::nullopt;
}

const std::array<CommandInfo, std::variant_size_v<Command>>& command_table() {
    static constexpr auto kTable = make_table(std::type_identity<Command>{});
    return kTable;
}

std::string_view command_name(const Command& command) {
    return command_table()[command.index()].name;
}
SentBy command_sent_by(const Command& command) {
    return command_table()[command.index()].sent_by;
}

Result<Command> parse_line(std::string_view line) {
    const auto space = line.find(' ');
    auto name = line.substr(0, space);
    const auto rest = space == line.npos ? std::string_view{} : line.substr(space + 1);
    if (name == ClearUserSyncs::kSynapseName) name = ClearUserSyncs::kName;
    if (auto command = read_any(std::type_identity<Command>{}, name, rest)) return std::move(*command);
    return core::ParseError{fmt::format("KeyError({})", python_repr(name))};
}

std::optional<RdataView> view_rdata(std::string_view line) {
    constexpr std::string_view kStart = "RDATA ";
    if (!line.starts_with(kStart)) return std::nullopt;
    line.remove_prefix(kStart.size());
    RdataView view;
    std::string_view token;
    for (auto* field : {&view.stream, &view.instance, &token}) {
        const auto space = line.find(' ');
        if (space == line.npos) return std::nullopt;
        *field = line.substr(0, space);
        line.remove_prefix(space + 1);
    }
    view.row = line;
    if (token == "batch") return view;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
    if (error != std::errc{} || end != token.data() + token.size()) return std::nullopt;
    view.token = number;
    return view;
}

Result<std::string> format_line(const Command& command, Dialect dialect) {
    std::string out;
    if (std::holds_alternative<ClearUserSyncs>(command) && dialect == Dialect::kSynapse115) {
        out = ClearUserSyncs::kSynapseName;
    } else {
        out = command_name(command);
    }
    out += ' ';
    std::visit([&](const auto& c) { write(c, out); }, command);
    if (out.find('\n') != out.npos) return core::ParseError{"a command must not contain a line feed"};
    if (out.size() > kLineBytesMax) {
        return core::ParseError{
            fmt::format("{} of {} bytes exceeds a line", command_name(command), out.size())};
    }
    return out;
}

void append_rdata(std::string& out, std::string_view stream, std::string_view instance,
                  std::optional<std::int64_t> token, std::string_view row_json) {
    out += "RDATA ";
    out += stream;
    out += ' ';
    out += instance;
    if (token) {
        fmt::format_to(std::back_inserter(out), " {} ", *token);
    } else {
        out += " batch ";
    }
    out += row_json;
}

std::string parse_error_text(std::string_view line, const core::ParseError& error) {
    // Long lines are echoed in part: the answer must fit a line itself, however many escapes it needs.
    constexpr std::size_t kEchoBytesMax = 1'000;
    const auto shorten = [](std::string_view text) {
        return text.size() <= kEchoBytesMax ? std::string{text}
                                            : std::string{text.substr(0, kEchoBytesMax)} + "...";
    };
    return fmt::format("failed to parse line: {} ({}):", shorten(error.message), python_repr(shorten(line)));
}

bool looks_like_http(std::string_view line) {
    for (const std::string_view start :
         {"GET /", "POST /", "PUT /", "HEAD /", "DELETE /", "OPTIONS ", "HTTP/1."}) {
        if (line.starts_with(start)) return true;
    }
    return false;
}

}  // namespace weft::proto::replication
