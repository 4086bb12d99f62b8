#include "weft/handlers/accounts/identity_servers.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/http/client.hpp"
#include "weft/http/uri.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/request_signature.hpp"

namespace weft::handlers {

namespace json = boost::json;
using core::MatrixError;

namespace {

constexpr std::string_view kHashed = "sha256";
constexpr std::string_view kPlain = "none";
constexpr std::size_t kTokenBytesMax = 255;

constexpr std::string_view kBindPath = "/_matrix/identity/v2/3pid/bind";
constexpr std::string_view kUnbindPath = "/_matrix/identity/v2/3pid/unbind";

std::string url_at(const proto::ServerName& id_server, std::string_view path) {
    return fmt::format("https://{}{}", id_server.str(), path);
}
std::string url_at(const ThirdPartyInvitee& invitee, std::string_view path) {
    return url_at(invitee.id_server, fmt::format("/_matrix/identity/v2/{}", path));
}

std::string bearer(const std::string& token) { return "Bearer " + token; }

MatrixError unusable(std::string_view why) {
    return MatrixError::unknown(fmt::format("The identity server's answer is of no use: {}", why));
}

/// One of the ways in which the server wants to be asked for addresses.
std::string_view algorithm_in(const json::object& details) {
    const auto* const offered = proto::get_array(details, "algorithms");
    for (const auto algorithm : {kHashed, kPlain}) {
        if (offered && std::ranges::find(*offered, json::value(algorithm)) != offered->end())
            return algorithm;
    }
    throw unusable("no algorithm for lookups that we know");
}

/// Identity service API, "Client behaviour" of hashed lookups.
std::string lookup_key(const ThirdPartyInvitee& invitee, std::string_view algorithm,
                       std::string_view pepper) {
    if (algorithm == kPlain) return fmt::format("{} {}", invitee.address, invitee.medium);
    const auto hash = proto::sha256(fmt::format("{} {} {}", invitee.address, invitee.medium, pepper));
    return proto::base64_url_encode(proto::as_bytes(hash));
}

/// What the server refuses with; nothing, if it is no Matrix error. Its tokens are not ours: a client that is told of an
/// unknown one would log out here.
std::optional<MatrixError> error_in(const http::Response& response) {
    if (response.status < 400 || response.status >= 500) return std::nullopt;
    const auto body = proto::parse_json_object(response.body);
    const auto errcode = body ? proto::get_string(*body, "errcode") : std::nullopt;
    if (!errcode || errcode->empty() || errcode == "M_UNRECOGNIZED") return std::nullopt;
    std::string text{proto::get_string(*body, "error").value_or("The identity server refuses")};
    if (response.status == 401 || errcode == "M_UNKNOWN_TOKEN" || errcode == "M_MISSING_TOKEN")
        return MatrixError::forbidden(std::move(text));
    return MatrixError{response.status, std::string{*errcode}, std::move(text)};
}

bool is_token(std::string_view text) {
    const auto belongs = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{".=_-"}.find(c) != std::string_view::npos;
    };
    return !text.empty() && text.size() <= kTokenBytesMax && std::ranges::all_of(text, belongs);
}

}  // namespace

Task<std::optional<proto::UserId>> IdentityServers::lookup(ThirdPartyInvitee invitee) {
    const auto details =
        co_await ask({http::Method::kGet, url_at(invitee, "hash_details"), bearer(invitee.id_access_token), {}});
    const auto algorithm = algorithm_in(details);
    const auto pepper = std::string{proto::get_string(details, "lookup_pepper").value_or("")};
    const auto key = lookup_key(invitee, algorithm, pepper);
    const json::object question{
        {"algorithm", algorithm}, {"pepper", pepper}, {"addresses", json::array{key}}};
    const auto answer = co_await ask(
        {http::Method::kPost, url_at(invitee, "lookup"), bearer(invitee.id_access_token), proto::to_json(question)});
    const auto* const mappings = proto::get_object(answer, "mappings");
    const auto found = mappings ? proto::get_string(*mappings, key) : std::nullopt;
    if (!found) co_return std::nullopt;
    auto user_id = proto::UserId::parse(*found);
    if (!user_id) throw unusable("the address belongs to what is no user");
    co_return std::move(*user_id);
}

Task<IdentityServers::StoredInvite> IdentityServers::store_invite(ThirdPartyInvitee invitee,
                                                                  json::object about) {
    about["medium"] = invitee.medium;
    about["address"] = invitee.address;
    const auto answer = co_await ask({http::Method::kPost, url_at(invitee, "store-invite"),
                                      bearer(invitee.id_access_token), proto::to_json(about)});
    const auto token = proto::get_string(answer, "token");
    const auto name = proto::get_string(answer, "display_name");
    const auto* const keys = proto::get_array(answer, "public_keys");
    if (!token || !is_token(*token)) throw unusable("no token");
    if (!name || !keys || keys->empty()) throw unusable("no name or no keys");
    json::array public_keys;
    for (const auto& item : *keys) {
        const auto* const key = item.if_object();
        const auto text = key ? proto::get_string(*key, "public_key") : std::nullopt;
        const auto validity = key ? proto::get_string(*key, "key_validity_url") : std::nullopt;
        if (!text || !validity) throw unusable("a key without a key or URL");
        public_keys.push_back(json::object{{"public_key", *text}, {"key_validity_url", *validity}});
    }
    // The first key stands alone, too, for those who know of one only.
    auto content = public_keys.front().as_object();
    content["display_name"] = *name;
    content["public_keys"] = std::move(public_keys);
    co_return StoredInvite{std::string{*token}, std::move(content)};
}

Task<bool> IdentityServers::is_valid(std::string key_validity_url, std::string public_key) {
    const auto separator = key_validity_url.find('?') == std::string::npos ? '?' : '&';
    auto url =
        fmt::format("{}{}public_key={}", key_validity_url, separator, http::percent_encode(public_key));
    const auto answer = co_await ask({http::Method::kGet, std::move(url), {}, {}});
    co_return proto::get_bool(answer, "valid").value_or(false);
}

Task<storage::ThreePidAddress> IdentityServers::bind(proto::UserId user_id, Session session) {
    const json::object body{
        {"sid", session.sid}, {"client_secret", session.client_secret}, {"mxid", user_id.str()}};
    const auto response = co_await reach({http::Method::kPost, url_at(session.id_server, kBindPath),
                                          bearer(session.id_access_token), proto::to_json(body)});
    if (response.status != 200) {
        if (auto error = error_in(response)) throw *error;
        throw unusable(fmt::format("status {}", response.status));
    }
    const auto answer = proto::parse_json_object(response.body);
    const auto medium = answer ? proto::get_string(*answer, "medium") : std::nullopt;
    const auto address = answer ? proto::get_string(*answer, "address") : std::nullopt;
    if (!medium || !address) throw unusable("no address");
    co_return storage::ThreePidAddress{std::string{*medium}, std::string{*address}};
}

Task<bool> IdentityServers::unbind(proto::ServerName id_server, proto::UserId user_id,
                                   storage::ThreePidAddress address) {
    const json::object body{{"mxid", user_id.str()},
                            {"threepid", {{"medium", address.medium}, {"address", address.address}}}};
    auto signature = proto::x_matrix_authorization({"POST", kUnbindPath, server_name_, id_server, &body}, key_);
    const auto response = co_await reach(
        {http::Method::kPost, url_at(id_server, kUnbindPath), std::move(signature), proto::to_json(body)});
    if (response.status == 200) co_return true;
    // Identity service API: a refusal that is no Matrix error means that it cannot be done there.
    if (auto error = error_in(response)) throw *error;
    co_return false;
}

Task<json::object> IdentityServers::ask(Call call) {
    const auto response = co_await reach(std::move(call));
    if (response.status == 401 || response.status == 403)
        throw MatrixError::forbidden("The identity server does not let you do this");
    if (response.status != 200) throw unusable(fmt::format("status {}", response.status));
    auto answer = proto::parse_json_object(response.body);
    if (!answer) throw unusable("not a JSON object");
    co_return std::move(*answer);
}

Task<http::Response> IdentityServers::reach(Call call) {
    std::optional<http::Response> response;
    std::string why;
    const auto url = call.url;
    try {
        response.emplace(co_await send_(std::move(call)));
    } catch (const http::ClientError& error) {
        why = error.what();
    }
    if (!response) {
        core::log_info("rooms", "no answer from an identity server at {}: {}", url, why);
        throw MatrixError::unknown("The identity server does not answer");
    }
    co_return std::move(*response);
}

}  // namespace weft::handlers
