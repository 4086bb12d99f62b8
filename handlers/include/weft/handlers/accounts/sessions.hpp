#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/devices.hpp"
#include "weft/http/message.hpp"
#include "weft/storage/access_token_store.hpp"
#include "weft/storage/refresh_token_store.hpp"

namespace weft::handlers {

/// The device somebody logs in with; what is missing is made up.
struct DeviceChoice {
    std::optional<std::string> device_id;
    std::optional<std::string> initial_display_name;
    bool refreshable = false;  // the client knows how to refresh its access token
};

/// What a client needs to go on as a user.
struct Session {
    std::string user_id;
    std::string device_id;
    std::string access_token;
    std::optional<std::int64_t> expires_in_ms;  // none: until it is logged out
    std::optional<std::string> refresh_token;
};

/// Begins and ends sessions: an access token and its device.
class Sessions {
public:
    Sessions(storage::AccessTokenStore& tokens, storage::RefreshTokenStore& refresh_tokens, Devices& devices,
             const core::Config& config, const core::Clock& clock);

    /// Of an account that exists; who asks has been checked. Throws as Devices::prepare_login().
    Task<Session> open(std::string user_id, DeviceChoice device);
    /// The session goes on with new tokens. The old ones stay good until the new ones are used. Throws
    /// MatrixError 401 M_UNKNOWN_TOKEN; with `soft_logout` where a token of this server has expired.
    Task<Session> refresh(std::string refresh_token);
    /// Logs out this token; its device goes with it.
    Task<void> close(http::Requester requester);
    /// Logs out all devices of the user.
    Task<void> close_all(std::string user_id);

private:
    Task<Session> open_refreshable(Session session);

    storage::AccessTokenStore& tokens_;
    storage::RefreshTokenStore& refresh_tokens_;
    Devices& devices_;
    const core::Config& config_;
    const core::Clock& clock_;
};

}  // namespace weft::handlers
