#include "weft/proto/ids.hpp"

#include <arpa/inet.h>
#include <zlib.h>

#include <algorithm>

#include "weft/proto/json.hpp"

namespace weft::proto {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_digit);
}

bool is_ipv6(std::string_view text) {
    in6_addr address;
    return inet_pton(AF_INET6, std::string{text}.c_str(), &address) == 1;
}

/// What every `&localpart:server` shares; an error text, or nullptr.
const char* check_common(std::string_view text, char sigil) {
    if (text.empty() || text.front() != sigil) return "does not start with its sigil";
    if (text.size() > kIdBytesMax) return "is longer than 255 bytes";
    if (text.find('\0') != std::string_view::npos) return "holds a NUL character";
    if (!is_valid_utf8(text)) return "is not valid UTF-8";
    return nullptr;
}

const char* check_with_server(std::string_view text, char sigil) {
    if (const char* problem = check_common(text, sigil)) return problem;
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return "has no server name";
    if (!ServerName::is_valid(text.substr(colon + 1))) return "has an invalid server name";
    return nullptr;
}

core::ParseError error(std::string_view what, const char* problem) {
    return core::ParseError{fmt::format("{} {}", what, problem)};
}

std::string_view part_before_colon(std::string_view text) {
    if (text.empty()) return {};
    const auto colon = text.find(':');
    return text.substr(1, colon == std::string_view::npos ? colon : colon - 1);
}

std::optional<std::string_view> part_after_colon(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    return text.substr(colon + 1);
}

}  // namespace

bool ServerName::is_valid(std::string_view text) {
    if (text.empty() || text.size() > kIdBytesMax) return false;
    if (text.front() == '[') {
        const auto end = text.find(']');
        if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) return false;
        const auto rest = text.substr(end + 1);
        return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
    }
    const auto colon = text.find(':');
    const auto host = text.substr(0, colon);
    if (colon != std::string_view::npos && !is_port(text.substr(colon + 1))) return false;
    return !host.empty() &&
           std::ranges::all_of(host, [](char c) { return is_alnum(c) || c == '-' || c == '.'; });
}

core::Result<ServerName> ServerName::parse(std::string_view text) {
    if (!is_valid(text)) return error("server name", "is not a host with an optional port");
    return trusted(std::string{text});
}

bool UserId::is_valid(std::string_view text) {
    return check_with_server(text, '@') == nullptr;
}

core::Result<UserId> UserId::parse(std::string_view text) {
    if (const char* problem = check_with_server(text, '@')) return error("user id", problem);
    return trusted(std::string{text});
}

bool UserId::is_valid_new_localpart(std::string_view localpart) {
    return !localpart.empty() && std::ranges::all_of(localpart, [](char c) {
        return (c >= 'a' && c <= 'z') || is_digit(c) ||
               std::string_view{"._=-/+"}.find(c) != std::string_view::npos;
    });
}

std::string_view UserId::localpart() const noexcept {
    return part_before_colon(str());
}
std::string_view UserId::server_name() const noexcept {
    return part_after_colon(str()).value_or("");
}

core::Result<RoomId> RoomId::parse(std::string_view text) {
    if (const char* problem = check_common(text, '!')) return error("room id", problem);
    const auto server = part_after_colon(text);
    if (server && !ServerName::is_valid(*server)) return error("room id", "has an invalid server name");
    if (!server) {
        // Room version 12: the hash of the create event, 32 bytes as URL-safe base64.
        const auto hash = text.substr(1);
        const bool is_hash = hash.size() == 43 && std::ranges::all_of(hash, [](char c) {
                                 return is_alnum(c) || c == '-' || c == '_';
                             });
        if (!is_hash) return error("room id", "has neither a server name nor the form of a hash");
    }
    return trusted(std::string{text});
}

std::string_view RoomId::localpart() const noexcept {
    return part_before_colon(str());
}
std::optional<std::string_view> RoomId::server_name() const noexcept {
    return part_after_colon(str());
}

core::Result<EventId> EventId::parse(std::string_view text) {
    if (const char* problem = check_common(text, '$')) return error("event id", problem);
    if (text.size() == 1) return error("event id", "is empty");
    const auto server = part_after_colon(text);
    if (server && !ServerName::is_valid(*server)) return error("event id", "has an invalid server name");
    return trusted(std::string{text});
}

std::optional<std::string_view> EventId::server_name() const noexcept {
    return part_after_colon(str());
}

core::Result<RoomAlias> RoomAlias::parse(std::string_view text) {
    if (const char* problem = check_with_server(text, '#')) return error("room alias", problem);
    return trusted(std::string{text});
}

std::string_view RoomAlias::localpart() const noexcept {
    return part_before_colon(str());
}
std::string_view RoomAlias::server_name() const noexcept {
    return part_after_colon(str()).value_or("");
}

core::Result<DeviceId> DeviceId::parse(std::string_view text) {
    if (text.empty() || text.size() > kIdBytesMax) return error("device id", "must have 1 to 255 bytes");
    if (text.find('\0') != std::string_view::npos) return error("device id", "holds a NUL character");
    return trusted(std::string{text});
}

std::uint32_t room_shard(const RoomId& room_id, std::uint32_t shards) {
    if (shards == 0) return 0;
    const auto* bytes = reinterpret_cast<const Bytef*>(room_id.str().data());
    return static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(room_id.str().size()))) % shards;
}

}  // namespace weft::proto
