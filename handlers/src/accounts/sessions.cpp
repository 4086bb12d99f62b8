#include "weft/handlers/accounts/sessions.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/core/random.hpp"
#include "weft/handlers/accounts/access_token.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kDeviceIdLetters = 10;

std::string make_device_id() {
    auto letters = core::random_letters(kDeviceIdLetters);
    // Capitals only: people compare device IDs by eye.
    std::ranges::transform(letters, letters.begin(), [](char c) { return static_cast<char>(c & ~0x20); });
    return letters;
}

/// A configured lifetime; 0 is for ever.
std::optional<std::int64_t> lasting(std::size_t lifetime_ms) {
    if (lifetime_ms == 0) return std::nullopt;
    return static_cast<std::int64_t>(lifetime_ms);
}

std::optional<std::int64_t> shorter(std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

std::optional<std::int64_t> after(std::int64_t now_ms, std::optional<std::int64_t> lifetime_ms) {
    if (!lifetime_ms) return std::nullopt;
    return now_ms + *lifetime_ms;
}

core::MatrixError unknown_refresh_token(const char* text, bool soft_logout) {
    return core::MatrixError{401, "M_UNKNOWN_TOKEN", text}.with("soft_logout", soft_logout);
}

}  // namespace

Sessions::Sessions(storage::AccessTokenStore& tokens, storage::RefreshTokenStore& refresh_tokens,
                   Devices& devices, const core::Config& config, const core::Clock& clock)
    : tokens_{tokens}, refresh_tokens_{refresh_tokens}, devices_{devices}, config_{config}, clock_{clock} {}

Task<Session> Sessions::open(std::string user_id, DeviceChoice device) {
    Session session;
    session.user_id = std::move(user_id);
    session.device_id = device.device_id ? std::move(*device.device_id) : make_device_id();
    co_await devices_.prepare_login(session.user_id, session.device_id,
                                    std::move(device.initial_display_name));
    session.access_token = make_access_token(proto::UserId::trusted(session.user_id).localpart());
    if (device.refreshable) co_return co_await open_refreshable(std::move(session));

    storage::NewAccessToken token;
    token.user_id = session.user_id;
    token.token = session.access_token;
    token.device_id = session.device_id;
    const auto& lifetimes = config_.session_lifetimes;
    session.expires_in_ms = shorter(lasting(lifetimes.session_ms), lasting(lifetimes.access_token_ms));
    token.valid_until_ms = after(clock_.now_ms(), session.expires_in_ms);
    co_await tokens_.add_token(std::move(token));
    co_return session;
}

Task<Session> Sessions::open_refreshable(Session session) {
    const auto now_ms = clock_.now_ms();
    const auto& lifetimes = config_.session_lifetimes;
    const auto session_ms = lasting(lifetimes.session_ms);
    session.refresh_token = make_refresh_token(proto::UserId::trusted(session.user_id).localpart());
    session.expires_in_ms = shorter(lasting(lifetimes.refreshable_access_token_ms), session_ms);

    storage::NewRefreshToken refresh;
    refresh.user_id = session.user_id;
    refresh.device_id = session.device_id;
    refresh.token = *session.refresh_token;
    refresh.expiry_ms = after(now_ms, shorter(lasting(lifetimes.refresh_token_ms), session_ms));
    refresh.session_expiry_ms = after(now_ms, session_ms);
    storage::NewAccessToken access;
    access.user_id = session.user_id;
    access.token = session.access_token;
    access.device_id = session.device_id;
    access.valid_until_ms = after(now_ms, session.expires_in_ms);
    access.refresh_token_id = co_await refresh_tokens_.add(std::move(refresh));
    co_await tokens_.add_token(std::move(access));
    co_return session;
}

Task<Session> Sessions::refresh(std::string refresh_token) {
    const auto now_ms = clock_.now_ms();
    const auto old = co_await refresh_tokens_.get(refresh_token);
    if (!old || old->spent) throw unknown_refresh_token("Unrecognised refresh token", false);
    if (old->expiry_ms && *old->expiry_ms <= now_ms) {
        throw unknown_refresh_token("Refresh token has expired", true);
    }
    const auto& lifetimes = config_.session_lifetimes;
    std::optional<std::int64_t> session_ms;
    if (old->session_expiry_ms) session_ms = *old->session_expiry_ms - now_ms;
    if (session_ms && *session_ms <= 0) throw unknown_refresh_token("The session has ended", true);

    Session session;
    session.user_id = old->user_id;
    session.device_id = old->device_id;
    const auto user = proto::UserId::trusted(session.user_id);
    session.access_token = make_access_token(user.localpart());
    session.refresh_token = make_refresh_token(user.localpart());
    session.expires_in_ms = shorter(lasting(lifetimes.refreshable_access_token_ms), session_ms);
    storage::NewRefreshToken next;
    next.user_id = session.user_id;
    next.device_id = session.device_id;
    next.token = *session.refresh_token;
    next.expiry_ms = after(now_ms, shorter(lasting(lifetimes.refresh_token_ms), session_ms));
    next.session_expiry_ms = old->session_expiry_ms;
    storage::RefreshedAccessToken access{session.access_token, after(now_ms, session.expires_in_ms)};
    if (!co_await refresh_tokens_.exchange(std::move(refresh_token), std::move(next), std::move(access))) {
        throw unknown_refresh_token("Unrecognised refresh token", false);
    }
    co_return session;
}

Task<void> Sessions::close(http::Requester requester) {
    co_await tokens_.delete_token(std::move(requester.access_token));
    if (requester.device_id.empty()) co_return;
    std::vector<std::string> ids{std::move(requester.device_id)};
    co_await devices_.remove(std::move(requester.user_id), std::move(ids));
}

Task<void> Sessions::close_all(std::string user_id) {
    co_await devices_.remove_all(std::move(user_id));
}

}  // namespace weft::handlers
