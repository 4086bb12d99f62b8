#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::storage {

/// What an administrator's list of users shall hold, and in which order.
struct UserPageQuery {
    /// Part of the user ID or of the display name, without regard to case.
    std::optional<std::string> name;
    /// Part of the user ID; `name` is not looked at then.
    std::optional<std::string> user_id;
    bool guests = true;
    bool deactivated = false;
    std::optional<bool> admins;
    std::optional<bool> locked;
    std::string order_by = "name";  // one of user_orders()
    bool backwards = false;
    std::int64_t from = 0;
    std::int64_t limit = 100;
};

/// An account with what administrators want to see beside it.
struct ListedUser {
    User user;
    std::optional<std::string> displayname;
    std::optional<std::string> avatar_url;
    bool erased = false;
    std::optional<std::int64_t> last_seen_ms;
};

struct UserPage {
    std::vector<ListedUser> users;
    std::int64_t total = 0;
};

/// How much media a user has uploaded.
struct UserMedia {
    std::string user_id;
    std::optional<std::string> displayname;
    std::int64_t count = 0;
    std::int64_t bytes = 0;
};

/// What administrators ask about accounts, and what becomes of those that are deactivated.
class AdminUserStore {
public:
    explicit AdminUserStore(StoreContext context) : context_{std::move(context)} {}

    /// Words that may stand in `order_by`.
    static const std::vector<std::string>& user_orders();
    Task<UserPage> page(UserPageQuery query);
    Task<std::optional<ListedUser>> get(std::string user_id);

    Task<UserMedia> media_of(std::string user_id);
    /// Most media first; with the number of all users that have any.
    Task<std::pair<std::vector<UserMedia>, std::int64_t>> media_by_user(std::int64_t from,
                                                                        std::int64_t limit);

    /// The user is deactivated, but not yet out of all rooms.
    Task<void> add_pending_deactivation(std::string user_id);
    Task<void> finish_deactivation(std::string user_id);
    Task<std::vector<std::string>> pending_deactivations();
    /// Account data, tags, push rules, filters, key backups and tokens of a user who is gone for good.
    Task<void> purge_personal_data(std::string user_id);

private:
    StoreContext context_;
};

}  // namespace weft::storage
