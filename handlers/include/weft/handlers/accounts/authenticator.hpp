#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/seen_throttle.hpp"
#include "weft/handlers/appservice/appservices.hpp"
#include "weft/http/message.hpp"
#include "weft/http/router.hpp"
#include "weft/storage/access_token_store.hpp"
#include "weft/storage/client_ip_store.hpp"
#include "weft/storage/device_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// Finds out who makes a request (client-server API, "Using access tokens"). One in each process; its
/// authenticate() is the router's authenticator. A token that is in the store's cache costs no query.
class Authenticator {
public:
    /// The cluster's master collects these; a worker sends them there (USER_IP).
    using OnSeen = std::function<void(storage::ClientIp seen)>;

    Authenticator(storage::AccessTokenStore& tokens, const core::Config& config, const core::Clock& clock);

    /// Called at most once in two minutes for each user, token and address.
    void on_seen(OnSeen callback) { on_seen_ = std::move(callback); }

    /// Throws MatrixError: 401 M_MISSING_TOKEN; 401 M_UNKNOWN_TOKEN, with `soft_logout` true if the token has
    /// expired; 403 M_USER_DEACTIVATED; 403 M_GUEST_ACCESS_FORBIDDEN; 403 M_FORBIDDEN where an administrator
    /// is wanted or the cluster's secret is wrong. `request` must outlive the call. For Auth::kReplication
    /// the Requester is empty.
    Task<http::Requester> authenticate(const http::Request& request, http::Auth auth);

    /// Tokens of application services are good for all of their users.
    void use_appservices(const Appservices& services, storage::UserStore& users, storage::DeviceStore& devices) {
        appservices_ = &services;
        users_ = &users;
        devices_ = &devices;
    }

private:
    /// Identity assertion: `user_id` and `device_id` of the query say in whose name the service acts. `request` must outlive
    /// the call.
    Task<http::Requester> of_appservice(const Appservices::Service& service, const http::Request& request, http::Auth auth);
    void note_seen(const http::Requester& requester, const http::Request& request);

    storage::AccessTokenStore& tokens_;
    const core::Config& config_;
    const core::Clock& clock_;
    const Appservices* appservices_ = nullptr;
    storage::UserStore* users_ = nullptr;
    storage::DeviceStore* devices_ = nullptr;
    OnSeen on_seen_;
    SeenThrottle throttle_;
};

/// The token of `Authorization: Bearer`, else of the query parameter `access_token`. Throws MatrixError 401
/// M_MISSING_TOKEN if the header has another scheme; nothing if there is no token at all.
std::optional<std::string_view> access_token_of(const http::Request& request);

}  // namespace weft::handlers
