#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// An account of this server.
struct User {
    std::string user_id;
    std::optional<std::string> password_hash;
    std::int64_t creation_ts_s = 0;  // seconds, as Synapse stores it
    bool admin = false;
    bool guest = false;
    bool deactivated = false;
    bool locked = false;     // logged out until an administrator unlocks it
    bool suspended = false;  // may read, but not write
    std::optional<std::string> appservice_id;
    std::optional<std::string> user_type;
};

struct NewUser {
    std::string user_id;
    std::optional<std::string> password_hash;
    bool admin = false;
    bool guest = false;
    std::optional<std::string> appservice_id;
    std::optional<std::string> user_type;
    /// The profile that is made with the account.
    std::optional<std::string> displayname;
};

struct UserListQuery {
    std::size_t offset = 0;
    std::size_t limit = 100;
    /// Part of the user ID, without regard to case.
    std::optional<std::string> search;
    bool include_guests = true;
    bool include_deactivated = false;
};

/// Accounts. Caches: get_user_by_id.
class UserStore {
public:
    explicit UserStore(StoreContext context);

    /// Makes the account and its profile. False if the name is taken, also in another letter case.
    Task<bool> create_user(NewUser user);
    /// Null if there is no such account. Cached.
    Task<std::shared_ptr<const User>> get_user(std::string user_id);
    /// The user IDs that equal `user_id` without regard to case.
    Task<std::vector<std::string>> find_case_insensitive(std::string user_id);
    /// False also for unknown users. From the cache of get_user().
    Task<bool> is_deactivated(std::string user_id);
    /// No hash: the user cannot log in by password. False if there is no such account.
    Task<bool> set_password_hash(std::string user_id, std::optional<std::string> hash);
    Task<bool> set_deactivated(std::string user_id, bool deactivated);
    Task<bool> set_admin(std::string user_id, bool admin);
    /// A guest becomes a user with a password. False if there is no such guest.
    Task<bool> upgrade_guest(std::string user_id, std::string password_hash);
    Task<bool> set_locked(std::string user_id, bool locked);
    Task<bool> set_suspended(std::string user_id, bool suspended);
    /// `user_type` none: an ordinary user.
    Task<bool> set_user_type(std::string user_id, std::optional<std::string> user_type);
    /// Ordered by user ID.
    Task<std::vector<User>> list_users(UserListQuery query);
    Task<std::int64_t> count_users();

private:
    Task<bool> update_user(Sql statement, std::string user_id, Param value);

    StoreContext context_;
    core::Cache<std::string, std::optional<User>> users_;
};

}  // namespace weft::storage
