#include "weft/handlers/accounts/accounts.hpp"

#include "events/leave_request.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {
Accounts::Accounts(Stores stores, PasswordAuth& passwords, Devices& devices, IdentityBindings& bindings,
                   EventSender& sender, asio::any_io_executor executor)
    : stores_{stores},
      passwords_{passwords},
      devices_{devices},
      bindings_{bindings},
      sender_{sender},
      background_{std::move(executor)} {}

Task<void> Accounts::change_password(http::Requester requester, std::string new_password,
                                     OtherSessions others) {
    auto hash = co_await passwords_.hash(std::move(new_password));
    co_await stores_.users.set_password_hash(requester.user_id, std::move(hash));
    if (others == OtherSessions::kKeep) co_return;
    Devices::Session kept{requester.access_token_id, std::move(requester.device_id)};
    co_await devices_.remove_all(std::move(requester.user_id), std::move(kept));
}

Task<void> Accounts::reset_password(std::string user_id, std::string new_password, OtherSessions others) {
    auto hash = co_await passwords_.hash(std::move(new_password));
    co_await stores_.users.set_password_hash(user_id, std::move(hash));
    if (others == OtherSessions::kLogOut) co_await devices_.remove_all(std::move(user_id));
}

Task<IdentityBindings::Unbound> Accounts::deactivate(std::string user_id, Erase erase,
                                                     std::optional<proto::ServerName> id_server) {
    // First what keeps the user out; each step may be repeated if a later one fails.
    co_await stores_.users.set_deactivated(user_id, true);
    co_await stores_.users.set_password_hash(user_id, std::nullopt);
    co_await stores_.admin_users.add_pending_deactivation(user_id);
    const auto localpart = std::string{proto::UserId::trusted(user_id).localpart()};
    if (erase == Erase::kErase) {
        co_await stores_.profiles.clear(localpart);
        co_await stores_.erased_users.set_erased(user_id, true);
    }
    co_await devices_.remove_all(user_id);
    auto bound = co_await stores_.three_pids.bound_of_user(user_id);
    co_await remove_personal_data(user_id);
    core::log_info("accounts", "account {} deactivated", user_id);
    leave_in_background(user_id);
    co_return co_await bindings_.try_unbind_all(std::move(user_id), std::move(bound), std::move(id_server));
}

Task<void> Accounts::remove_personal_data(std::string user_id) {
    co_await stores_.three_pids.remove_all(user_id);
    for (auto& pusher : co_await stores_.pushers.of_user(user_id)) {
        co_await stores_.pushers.remove(std::move(pusher.settings.key));
    }
    co_await stores_.admin_users.purge_personal_data(std::move(user_id));
}

Task<void> Accounts::reactivate(std::string user_id, std::string new_password) {
    auto hash = co_await passwords_.hash(std::move(new_password));
    co_await stores_.admin_users.finish_deactivation(user_id);
    co_await stores_.erased_users.set_erased(user_id, false);
    co_await stores_.users.set_password_hash(user_id, std::move(hash));
    co_await stores_.users.set_deactivated(std::move(user_id), false);
}

Task<void> Accounts::resume() {
    for (auto& user_id : co_await stores_.admin_users.pending_deactivations()) {
        leave_in_background(std::move(user_id));
    }
}

void Accounts::leave_in_background(std::string user_id) {
    background_.spawn("leave_rooms_of_deactivated_user",
                      [this, user_id = std::move(user_id)] { return leave_all_rooms(user_id); });
}

Task<void> Accounts::leave_all_rooms(std::string user_id) {
    const auto rooms = co_await stores_.state.rooms_of_user(user_id);
    std::vector<proto::RoomId> to_leave;
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "join" || room.membership == "invite" || room.membership == "knock") {
            to_leave.push_back(room_id);
        }
    }
    for (const auto& room_id : to_leave) {
        try {
            co_await sender_.send(leave_request(room_id, user_id));
        } catch (const core::MatrixError& error) {
            core::log_warning("accounts", "deactivated {} cannot leave {}: {}", user_id, room_id,
                              error.what());
        }
    }
    co_await stores_.admin_users.finish_deactivation(std::move(user_id));
}

Task<void> Accounts::stop(std::int64_t deadline_ms) {
    co_await background_.drain(deadline_ms);
}

}  // namespace weft::handlers
