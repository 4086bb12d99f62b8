#include "weft/handlers/accounts/authenticator.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::handlers {
namespace {

constexpr std::string_view kBearer = "Bearer ";
/// Longer than any token this server or Synapse ever made: such a text is not worth a query.
constexpr std::size_t kTokenBytesMax = 2048;

bool starts_with_bearer(std::string_view text) {
    if (text.size() < kBearer.size()) return false;
    for (std::size_t i = 0; i < kBearer.size(); ++i) {
        // Schemes compare without case (RFC 9110, 11.1).
        if ((text[i] | 0x20) != (kBearer[i] | 0x20)) return false;
    }
    return true;
}

/// Tokens are printable ASCII; header bytes need not be text at all.
bool could_be_token(std::string_view text) {
    return text.size() <= kTokenBytesMax &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

core::MatrixError unknown_token(const char* text, bool soft_logout) {
    return core::MatrixError{401, "M_UNKNOWN_TOKEN", text}.with("soft_logout", soft_logout);
}

}  // namespace

std::optional<std::string_view> access_token_of(const http::Request& request) {
    if (const auto header = request.headers.get("Authorization")) {
        if (!starts_with_bearer(*header)) {
            throw core::MatrixError{401, "M_MISSING_TOKEN", "Invalid Authorization header"};
        }
        return header->substr(kBearer.size());
    }
    return request.query_param("access_token");
}

Authenticator::Authenticator(storage::AccessTokenStore& tokens, const core::Config& config,
                             const core::Clock& clock)
    : tokens_{tokens}, config_{config}, clock_{clock} {}

Task<http::Requester> Authenticator::authenticate(const http::Request& request, http::Auth auth) {
    if (auth == http::Auth::kReplication) {
        replication::check_replication_secret(request, config_.replication_secret);
        co_return http::Requester{};
    }
    const auto token = access_token_of(request);
    if (!token || token->empty()) throw core::MatrixError::missing_token();
    if (!could_be_token(*token)) throw unknown_token("Unrecognised access token", false);

    http::Requester requester;
    requester.access_token = *token;
    if (const auto* service = appservices_ ? appservices_->with_token(*token) : nullptr) {
        co_return co_await of_appservice(*service, request, auth);
    }
    // The way of nearly all requests: no query, no suspension.
    auto owner = tokens_.cached_user(requester.access_token);
    if (!owner) owner = co_await tokens_.get_user_by_access_token(requester.access_token);
    if (!owner) throw unknown_token("Unrecognised access token", false);
    if (owner->valid_until_ms && *owner->valid_until_ms <= clock_.now_ms()) {
        // The session lives on: the client may log in again and keep its device and its keys.
        throw unknown_token("Access token has expired", true);
    }
    if (owner->deactivated)
        throw core::MatrixError{403, "M_USER_DEACTIVATED", "This account has been deactivated"};
    if (owner->guest && auth != http::Auth::kGuestToo && auth != http::Auth::kOptional) {
        throw core::MatrixError{403, "M_GUEST_ACCESS_FORBIDDEN", "Guest access not allowed"};
    }
    if (auth == http::Auth::kAdmin && !owner->admin) {
        throw core::MatrixError::forbidden("You are not a server admin");
    }

    if (owner->unused) co_await tokens_.mark_used(requester.access_token);

    requester.user_id = owner->user_id;
    if (owner->device_id) requester.device_id = *owner->device_id;
    requester.access_token_id = owner->token_id;
    requester.is_guest = owner->guest;
    requester.is_admin = owner->admin;
    requester.is_locked = owner->locked;
    requester.is_suspended = owner->suspended;
    note_seen(requester, request);
    co_return requester;
}

Task<http::Requester> Authenticator::of_appservice(const Appservices::Service& service, const http::Request& request,
                                                  http::Auth auth) {
    http::Requester requester;
    requester.access_token = service.as_token;
    requester.appservice_id = service.id;
    const auto wanted = request.query_param("user_id");
    requester.user_id = wanted ? std::string{*wanted} : appservices_->sender_of(service);
    if (!appservices_->has_user(service, requester.user_id)) {
        throw core::MatrixError::forbidden("Application service cannot masquerade as this user");
    }
    const auto user = co_await users_->get_user(requester.user_id);
    if (!user) throw core::MatrixError::forbidden("Application service has not registered this user");
    if (user->deactivated) throw core::MatrixError{403, "M_USER_DEACTIVATED", "This account has been deactivated"};
    if (auth == http::Auth::kAdmin && !user->admin) throw core::MatrixError::forbidden("You are not a server admin");
    requester.is_admin = user->admin;
    auto device_id = request.query_param("device_id");
    if (!device_id) device_id = request.query_param("org.matrix.msc3202.device_id");
    if (device_id) {
        requester.device_id = *device_id;
        const auto device = co_await devices_->get_device(requester.user_id, requester.device_id);
        if (!device) throw core::MatrixError{400, "M_UNKNOWN_DEVICE", "The user has no such device"};
    }
    co_return requester;
}

void Authenticator::note_seen(const http::Requester& requester, const http::Request& request) {
    if (!on_seen_ || request.remote_address.empty()) return;
    const auto now_ms = clock_.now_ms();
    if (!throttle_.admit(requester.user_id, requester.access_token, request.remote_address, now_ms)) return;
    storage::ClientIp seen;
    seen.user_id = requester.user_id;
    seen.access_token = requester.access_token;
    seen.ip = request.remote_address;
    seen.user_agent = request.headers.get("User-Agent").value_or("");
    if (!requester.device_id.empty()) seen.device_id = requester.device_id;
    seen.last_seen_ms = now_ms;
    on_seen_(std::move(seen));
}

}  // namespace weft::handlers
