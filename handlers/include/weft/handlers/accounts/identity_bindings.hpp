#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/handlers/accounts/identity_servers.hpp"
#include "weft/storage/three_pid_store.hpp"

namespace weft::handlers {

/// What addresses users have published at identity servers (client-server API, /account/3pid/bind and /unbind): made and
/// taken back there in the user's name, and remembered here. Runs in the master.
class IdentityBindings {
public:
    IdentityBindings(storage::ThreePidStore& store, IdentityServers& servers, const core::Clock& clock,
                     const core::Config& config);

    /// Publishes the address that the session at the identity server has checked. Throws MatrixError as
    /// IdentityServers::bind(); M_LIMIT_EXCEEDED by user.
    Task<void> bind(std::string user_id, IdentityServers::Session session);

    /// Whether everything that was published is taken back; false where nobody knows where, or a server does not support it.
    enum class Unbound { kYes, kNotSupported };
    /// Takes the address back from the server, or from all where it was published. Throws MatrixError as
    /// IdentityServers::unbind(); M_LIMIT_EXCEEDED by user.
    Task<Unbound> unbind(std::string user_id, storage::ThreePidAddress address, std::optional<proto::ServerName> id_server);
    /// The same for an address that the user gives up whatever the server says.
    Task<Unbound> try_unbind(std::string user_id, storage::ThreePidAddress address,
                             std::optional<proto::ServerName> id_server);

    /// Takes all of `bound` back, from one server or from those where it was published. Throws nothing that a server says.
    Task<Unbound> try_unbind_all(std::string user_id, std::vector<storage::BoundThreePid> bound,
                                 std::optional<proto::ServerName> id_server);

private:
    Task<bool> unbind_at(std::string user_id, storage::ThreePidAddress address, std::string id_server);

    storage::ThreePidStore& store_;
    IdentityServers& servers_;
    core::RateLimiter by_user_;  // each makes requests to a server of the client's choice
};

}  // namespace weft::handlers
