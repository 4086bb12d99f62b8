#include "weft/handlers/accounts/sessions.hpp"

#include <algorithm>

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

}  // namespace

Sessions::Sessions(storage::AccessTokenStore& tokens, Devices& devices, const core::Config& config,
                   const core::Clock& clock)
    : tokens_{tokens}, devices_{devices}, config_{config}, clock_{clock} {}

Task<Session> Sessions::open(std::string user_id, DeviceChoice device) {
    Session session;
    session.user_id = std::move(user_id);
    session.device_id = device.device_id ? std::move(*device.device_id) : make_device_id();
    co_await devices_.prepare_login(session.user_id, session.device_id,
                                    std::move(device.initial_display_name));

    session.access_token = make_access_token(proto::UserId::trusted(session.user_id).localpart());
    storage::NewAccessToken token;
    token.user_id = session.user_id;
    token.token = session.access_token;
    token.device_id = session.device_id;
    if (config_.session_lifetime_ms > 0) {
        session.expires_in_ms = static_cast<std::int64_t>(config_.session_lifetime_ms);
        token.valid_until_ms = clock_.now_ms() + *session.expires_in_ms;
    }
    co_await tokens_.add_token(std::move(token));
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
