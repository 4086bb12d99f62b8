#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "weft/core/background.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/devices.hpp"
#include "weft/handlers/accounts/identity_bindings.hpp"
#include "weft/handlers/accounts/password_auth.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/http/message.hpp"
#include "weft/storage/admin_user_store.hpp"
#include "weft/storage/erased_user_store.hpp"
#include "weft/storage/profile_store.hpp"
#include "weft/storage/pusher_store.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/three_pid_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// What becomes of the personal data of an account that is deactivated.
enum class Erase { kKeep, kErase };

/// What people do with the account they have. Changing calls run in the master; who asks has proven it by
/// InteractiveAuth.
class Accounts {
public:
    /// The data stores that know something of an account.
    struct Stores {
        storage::UserStore& users;
        storage::AdminUserStore& admin_users;
        storage::ErasedUserStore& erased_users;
        storage::ProfileStore& profiles;
        storage::ThreePidStore& three_pids;
        storage::PusherStore& pushers;
        storage::StateStore& state;
    };
    Accounts(Stores stores, PasswordAuth& passwords, Devices& devices, IdentityBindings& bindings, EventSender& sender,
             asio::any_io_executor executor);

    /// Throws MatrixError 400 M_WEAK_PASSWORD.
    void check_new_password(std::string_view password) const { passwords_.check_acceptable(password); }
    /// Whether the other sessions of the user end with the old password.
    enum class OtherSessions { kKeep, kLogOut };
    /// Throws MatrixError 400 M_WEAK_PASSWORD.
    Task<void> change_password(http::Requester requester, std::string new_password, OtherSessions others);
    /// Of somebody who is not logged in: with kLogOut all sessions end. Throws as change_password().
    Task<void> reset_password(std::string user_id, std::string new_password, OtherSessions others);

    /// The user can never log in again, has no devices, addresses, pushers and private data, and leaves all
    /// rooms (in the background; after a restart, resume() goes on). The name stays taken. What the user published at identity
    /// servers is taken back there, or at `id_server`, as far as they let us.
    Task<IdentityBindings::Unbound> deactivate(std::string user_id, Erase erase,
                                               std::optional<proto::ServerName> id_server = std::nullopt);
    /// An administrator gives the account back, with a new password.
    Task<void> reactivate(std::string user_id, std::string new_password);
    /// Lets those who were deactivated, but are not out of all rooms, go on leaving.
    Task<void> resume();

    /// Lets users who are leaving rooms finish, for at most `deadline_ms`.
    Task<void> stop(std::int64_t deadline_ms);

private:
    Task<void> remove_personal_data(std::string user_id);
    void leave_in_background(std::string user_id);
    Task<void> leave_all_rooms(std::string user_id);

    Stores stores_;
    PasswordAuth& passwords_;
    Devices& devices_;
    IdentityBindings& bindings_;
    EventSender& sender_;
    core::BackgroundTasks background_;
};

}  // namespace weft::handlers
