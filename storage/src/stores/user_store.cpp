#include "weft/storage/user_store.hpp"

#include "stores/store_support.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::storage {

namespace {

constexpr std::size_t kCacheEntries = 10'000;
constexpr std::int64_t kMsPerSecond = 1000;
constexpr auto kCacheName = "get_user_by_id";
/// Synapse's workers cache this by itself; here it is part of the user.
constexpr auto kDeactivatedCacheName = "get_user_deactivated_status";

constexpr Sql kGet{"get_user_by_id", R"sql(
    SELECT name, password_hash, creation_ts, admin, is_guest, deactivated, appservice_id, user_type,
        locked, suspended
    FROM users WHERE name = $1)sql"};

constexpr Sql kFindCaseInsensitive{"find_users_case_insensitive",
                                   "SELECT name FROM users WHERE lower(name) = lower($1) ORDER BY name"};

constexpr Sql kInsert{"insert_user", R"sql(
    INSERT INTO users (name, password_hash, creation_ts, admin, is_guest, appservice_id, user_type)
    VALUES ($1, $2, $3, $4::int, $5::int, $6, $7))sql"};

constexpr Sql kInsertProfile{"insert_profile_of_user", R"sql(
    INSERT INTO profiles (user_id, displayname) VALUES ($1, $2) ON CONFLICT (user_id) DO NOTHING)sql"};

constexpr Sql kSetPassword{"set_password_hash", "UPDATE users SET password_hash = $2 WHERE name = $1"};
constexpr Sql kSetDeactivated{"set_user_deactivated",
                              "UPDATE users SET deactivated = $2::boolean::int WHERE name = $1"};
constexpr Sql kSetAdmin{"set_user_admin", "UPDATE users SET admin = $2::boolean::int WHERE name = $1"};
constexpr Sql kUpgradeGuest{"upgrade_guest", R"sql(
    UPDATE users SET is_guest = 0, password_hash = $2, upgrade_ts = extract(epoch FROM now())::bigint
    WHERE name = $1 AND is_guest = 1)sql"};
constexpr Sql kSetLocked{"set_user_locked", "UPDATE users SET locked = $2 WHERE name = $1"};
constexpr Sql kSetSuspended{"set_user_suspended", "UPDATE users SET suspended = $2 WHERE name = $1"};
constexpr Sql kSetUserType{"set_user_type", "UPDATE users SET user_type = $2 WHERE name = $1"};

constexpr Sql kList{"list_users", R"sql(
    SELECT name, password_hash, creation_ts, admin, is_guest, deactivated, appservice_id, user_type,
        locked, suspended FROM users
    WHERE ($1::text IS NULL OR strpos(lower(name), lower($1)) > 0)
      AND ($2::boolean OR is_guest = 0) AND ($3::boolean OR deactivated = 0)
    ORDER BY name OFFSET $4 LIMIT $5)sql"};

constexpr Sql kCount{"count_users", "SELECT count(*) FROM users"};

User to_user(const Rows::Row& row) {
    User user;
    user.user_id = row[0].str();
    user.password_hash = row[1].opt_str();
    user.creation_ts_s = row[2].opt_i64().value_or(0);
    user.admin = row[3].i64() != 0;
    user.guest = row[4].i64() != 0;
    user.deactivated = row[5].i64() != 0;
    user.appservice_id = row[6].opt_str();
    user.user_type = row[7].opt_str();
    user.locked = row[8].boolean();
    user.suspended = row[9].boolean();
    return user;
}

/// `@alice:example.org` -> `alice`: profiles are stored by localpart.
std::string localpart_of(const std::string& user_id) {
    const auto colon = user_id.find(':');
    return user_id.substr(1, colon == std::string::npos ? std::string::npos : colon - 1);
}

}  // namespace

UserStore::UserStore(StoreContext context)
    : context_{std::move(context)}, users_{kCacheName, context_.scaled(kCacheEntries), context_.executor} {
    register_cache(context_.caches, kCacheName, users_);
    register_cache(context_.caches, kDeactivatedCacheName, users_);
}

Task<bool> UserStore::create_user(NewUser user) {
    if (user.user_id.empty()) throw StoreError{"a user needs an ID"};
    const auto created_s = context_.clock.now_ms() / kMsPerSecond;
    try {
        co_return co_await context_.db.run("create_user", [&, this](Transaction& txn) {
            if (!txn.exec(kFindCaseInsensitive, user.user_id).empty()) return false;
            txn.exec(kInsert, user.user_id, user.password_hash, created_s, user.admin ? 1 : 0,
                     user.guest ? 1 : 0, user.appservice_id, user.user_type);
            txn.exec(kInsertProfile, localpart_of(user.user_id), user.displayname);
            // Synapse's workers also remember who does not exist.
            context_.cache_writer.invalidate(txn, kCacheName, {user.user_id});
            return true;
        });
    } catch (const UniqueViolation&) {
        co_return false;  // somebody else was faster
    }
}

Task<std::shared_ptr<const User>> UserStore::get_user(std::string user_id) {
    const auto cached = co_await users_.get(user_id, [this](std::string id) -> Task<std::optional<User>> {
        const auto rows = co_await context_.db.query(kGet, id);
        if (rows.empty()) co_return std::nullopt;
        co_return to_user(rows.front());
    });
    if (!*cached) users_.invalidate(user_id);  // anybody can ask for names that do not exist
    co_return present(cached);
}

Task<std::vector<std::string>> UserStore::find_case_insensitive(std::string user_id) {
    std::vector<std::string> names;
    for (const auto row : co_await context_.db.query(kFindCaseInsensitive, user_id))
        names.push_back(row[0].str());
    co_return names;
}

Task<bool> UserStore::is_deactivated(std::string user_id) {
    const auto user = co_await get_user(std::move(user_id));
    co_return user != nullptr && user->deactivated;
}

Task<bool> UserStore::update_user(Sql statement, std::string user_id, Param value) {
    co_return co_await context_.db.run(statement.name, [&, this](Transaction& txn) {
        if (txn.exec(statement, user_id, value).affected() == 0) return false;
        context_.cache_writer.invalidate(txn, kCacheName, {user_id});
        if (statement.name == kSetDeactivated.name) {
            context_.cache_writer.invalidate(txn, kDeactivatedCacheName, {user_id});
        }
        return true;
    });
}

Task<bool> UserStore::set_password_hash(std::string user_id, std::optional<std::string> hash) {
    return update_user(kSetPassword, std::move(user_id), Param{hash});
}

Task<bool> UserStore::set_deactivated(std::string user_id, bool deactivated) {
    return update_user(kSetDeactivated, std::move(user_id), Param{deactivated});
}

Task<bool> UserStore::set_admin(std::string user_id, bool admin) {
    return update_user(kSetAdmin, std::move(user_id), Param{admin});
}

Task<bool> UserStore::upgrade_guest(std::string user_id, std::string password_hash) {
    return update_user(kUpgradeGuest, std::move(user_id), Param{password_hash});
}

Task<bool> UserStore::set_locked(std::string user_id, bool locked) {
    return update_user(kSetLocked, std::move(user_id), Param{locked});
}

Task<bool> UserStore::set_suspended(std::string user_id, bool suspended) {
    return update_user(kSetSuspended, std::move(user_id), Param{suspended});
}

Task<bool> UserStore::set_user_type(std::string user_id, std::optional<std::string> user_type) {
    return update_user(kSetUserType, std::move(user_id), Param{user_type});
}

Task<std::vector<User>> UserStore::list_users(UserListQuery query) {
    const auto rows = co_await context_.db.query(kList, query.search, query.include_guests,
                                                 query.include_deactivated, query.offset, query.limit);
    std::vector<User> users;
    users.reserve(rows.size());
    for (const auto row : rows) users.push_back(to_user(row));
    co_return users;
}

Task<std::int64_t> UserStore::count_users() {
    co_return (co_await context_.db.query(kCount)).front()[0].i64();
}

}  // namespace weft::storage
