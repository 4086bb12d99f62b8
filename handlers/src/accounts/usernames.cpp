#include "weft/handlers/accounts/usernames.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/core/random.hpp"
#include "weft/proto/ids.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kRandomLocalpartLetters = 14;

core::MatrixError invalid_username(const std::string& why) {
    return {400, "M_INVALID_USERNAME", why};
}

char to_lower_ascii(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string to_lower_ascii(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](char c) { return to_lower_ascii(c); });
    return out;
}

/// The text of a member that must be a string.
std::string_view string_member(const boost::json::object& object, std::string_view key) {
    if (!object.contains(key)) throw core::MatrixError::missing_param(fmt::format("Missing {}", key));
    const auto text = proto::get_string(object, key);
    if (!text) throw core::MatrixError::bad_json(fmt::format("{} must be a string", key));
    return *text;
}

std::string full_user_id(std::string_view user, std::string_view server_name) {
    if (user.find('\0') != std::string_view::npos) throw core::MatrixError::invalid_param("Invalid user");
    if (user.starts_with('@')) return std::string{user};
    return fmt::format("@{}:{}", user, server_name);
}

core::MatrixError unknown_third_party() {
    return core::MatrixError::forbidden("This third-party identifier belongs to no account of this server");
}

}  // namespace

std::string new_user_id(std::string_view username, std::string_view server_name) {
    auto user_id = service_user_id(username, server_name);
    if (username.starts_with('_')) throw invalid_username("User ID may not begin with _");
    return user_id;
}

std::string service_user_id(std::string_view username, std::string_view server_name) {
    const auto localpart = to_lower_ascii(username);
    if (!proto::UserId::is_valid_new_localpart(localpart)) {
        throw invalid_username("User ID can only contain characters a-z, 0-9, or '=_-./+'");
    }
    auto user_id = fmt::format("@{}:{}", localpart, server_name);
    if (user_id.size() > proto::kIdBytesMax) {
        throw invalid_username(
            fmt::format("User ID may not be longer than {} characters", proto::kIdBytesMax));
    }
    return user_id;
}

std::string random_localpart() {
    return to_lower_ascii(core::random_letters(kRandomLocalpartLetters));
}

std::optional<ThirdPartyIdentifier> third_party_identifier(const boost::json::object& submission) {
    const auto read = [](const boost::json::object& object) {
        const auto medium = string_member(object, "medium");
        const auto address = string_member(object, "address");
        if (medium.find('\0') != medium.npos || address.find('\0') != address.npos) {
            throw core::MatrixError::invalid_param("Invalid third-party identifier");
        }
        return ThirdPartyIdentifier{std::string{medium}, std::string{address}};
    };
    if (const auto* identifier = proto::get_object(submission, "identifier")) {
        if (proto::get_string(*identifier, "type") != "m.id.thirdparty") return std::nullopt;
        return read(*identifier);
    }
    if (submission.contains("identifier") || submission.contains("user")) return std::nullopt;
    if (!submission.contains("medium") && !submission.contains("address")) return std::nullopt;
    return read(submission);
}

std::string identified_user(const boost::json::object& submission, std::string_view server_name) {
    if (const auto* identifier = proto::get_object(submission, "identifier")) {
        const auto type = string_member(*identifier, "type");
        if (type == "m.id.user") return full_user_id(string_member(*identifier, "user"), server_name);
        if (type == "m.id.thirdparty" || type == "m.id.phone") throw unknown_third_party();
        throw core::MatrixError::unknown(fmt::format("Unknown login identifier type {}", type));
    }
    if (submission.contains("identifier")) throw core::MatrixError::bad_json("identifier must be an object");
    if (submission.contains("user")) return full_user_id(string_member(submission, "user"), server_name);
    if (submission.contains("medium") || submission.contains("address")) throw unknown_third_party();
    throw core::MatrixError::missing_param("Missing identifier");
}

}  // namespace weft::handlers
