#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/config.hpp"
#include "weft/handlers/accounts/accounts.hpp"
#include "weft/handlers/accounts/devices.hpp"
#include "weft/handlers/accounts/profiles.hpp"
#include "weft/handlers/accounts/registration.hpp"
#include "weft/storage/access_token_store.hpp"
#include "weft/storage/admin_user_store.hpp"
#include "weft/storage/three_pid_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// What an administrator changes about an account; what is not set stays.
struct UserChanges {
    std::optional<std::string> password;
    bool logout_devices = true;
    std::optional<std::string> displayname;  // empty: none
    std::optional<std::string> avatar_url;
    std::optional<bool> admin;
    std::optional<bool> deactivated;
    std::optional<bool> locked;
    std::optional<std::optional<std::string>> user_type;
    std::optional<std::vector<storage::ThreePid>> three_pids;  // these and no others
};

/// Accounts as administrators see and change them, in the shapes of Synapse's admin API.
class UserAdmin {
public:
    struct Parts {
        storage::AdminUserStore& admin_users;
        storage::UserStore& users;
        storage::AccessTokenStore& tokens;
        storage::ThreePidStore& three_pids;
        Accounts& accounts;
        Devices& devices;
        Profiles& profiles;
        Registration& registration;
        const core::Config& config;
    };
    explicit UserAdmin(Parts parts) : parts_{parts} {}

    /// users, total and, unless this is the end, next_token.
    Task<boost::json::object> list(storage::UserPageQuery query);
    /// Throws MatrixError 404 M_NOT_FOUND; M_INVALID_PARAM for a user of another server. So do all below.
    Task<boost::json::object> show(std::string user_id);
    /// Makes the account if there is none (then true is returned). Throws as Registration::create_account()
    /// and Accounts.
    Task<bool> modify(std::string user_id, UserChanges changes);
    Task<IdentityBindings::Unbound> deactivate(std::string user_id, Erase erase);
    Task<void> reset_password(std::string user_id, std::string new_password, bool logout_devices);
    Task<void> set_admin(std::string by, std::string user_id, bool admin);
    Task<bool> is_admin(std::string user_id);
    /// An access token of the user that belongs to no device.
    Task<std::string> log_in_as(std::string by, std::string user_id,
                                std::optional<std::int64_t> valid_until_ms);
    /// Makes sure that there is such an account.
    Task<void> require_user(std::string user_id);
    Task<storage::UserMedia> media_of(std::string user_id);
    Task<boost::json::object> media_by_user(std::int64_t from, std::int64_t limit);

private:
    Task<void> create(std::string user_id, const UserChanges& changes);
    Task<void> change_profile(std::string user_id, const UserChanges& changes);
    Task<void> change_three_pids(std::string user_id, std::vector<storage::ThreePid> wanted);
    void require_local(const std::string& user_id) const;

    Parts parts_;
};

}  // namespace weft::handlers
