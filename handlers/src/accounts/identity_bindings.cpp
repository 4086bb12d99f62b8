#include "weft/handlers/accounts/identity_bindings.hpp"

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"

namespace weft::handlers {

using core::MatrixError;

IdentityBindings::IdentityBindings(storage::ThreePidStore& store, IdentityServers& servers, const core::Clock& clock,
                                   const core::Config& config)
    : store_{store}, servers_{servers}, by_user_{clock, config.rc_invites.per_room} {}

Task<void> IdentityBindings::bind(std::string user_id, IdentityServers::Session session) {
    by_user_.acquire(user_id);
    auto id_server = session.id_server.str();
    auto address = co_await servers_.bind(proto::UserId::trusted(user_id), std::move(session));
    co_await store_.add_bound(std::move(user_id), {std::move(address), std::move(id_server)});
}

Task<IdentityBindings::Unbound> IdentityBindings::unbind(std::string user_id, storage::ThreePidAddress address,
                                                         std::optional<proto::ServerName> id_server) {
    by_user_.acquire(user_id);
    std::vector<std::string> servers;
    if (id_server) {
        servers.push_back(id_server->str());
    } else {
        for (auto& bound : co_await store_.bound_of_user(user_id)) {
            if (bound.what == address) servers.push_back(std::move(bound.id_server));
        }
    }
    bool is_unbound = !servers.empty();
    for (auto& server : servers) is_unbound = co_await unbind_at(user_id, address, std::move(server)) && is_unbound;
    co_return is_unbound ? Unbound::kYes : Unbound::kNotSupported;
}

Task<bool> IdentityBindings::unbind_at(std::string user_id, storage::ThreePidAddress address, std::string id_server) {
    const bool is_unbound =
        co_await servers_.unbind(proto::ServerName::trusted(id_server), proto::UserId::trusted(user_id), address);
    if (is_unbound) co_await store_.remove_bound(std::move(user_id), {std::move(address), std::move(id_server)});
    co_return is_unbound;
}

Task<IdentityBindings::Unbound> IdentityBindings::try_unbind(std::string user_id, storage::ThreePidAddress address,
                                                             std::optional<proto::ServerName> id_server) {
    try {
        co_return co_await unbind(std::move(user_id), std::move(address), std::move(id_server));
    } catch (const MatrixError& error) {
        core::log_info("accounts", "an address stays published at an identity server: {}", error.what());
    }
    co_return Unbound::kNotSupported;
}

Task<IdentityBindings::Unbound> IdentityBindings::try_unbind_all(std::string user_id,
                                                                 std::vector<storage::BoundThreePid> bound,
                                                                 std::optional<proto::ServerName> id_server) {
    auto out = Unbound::kYes;
    for (auto& each : bound) {
        auto server = id_server ? id_server->str() : std::move(each.id_server);
        bool is_unbound = false;
        try {
            is_unbound = co_await unbind_at(user_id, std::move(each.what), std::move(server));
        } catch (const MatrixError& error) {
            core::log_info("accounts", "an address stays published at an identity server: {}", error.what());
        }
        if (!is_unbound) out = Unbound::kNotSupported;
    }
    co_return out;
}

}  // namespace weft::handlers
