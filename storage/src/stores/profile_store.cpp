#include "weft/storage/profile_store.hpp"

#include "stores/store_support.hpp"

namespace weft::storage {

namespace {

constexpr std::size_t kCacheEntries = 10'000;
constexpr auto kCacheName = "get_profileinfo";

constexpr Sql kGet{"get_profile", "SELECT displayname, avatar_url FROM profiles WHERE user_id = $1"};

constexpr Sql kGetMany{"get_profiles",
                       "SELECT user_id, displayname, avatar_url FROM profiles WHERE user_id = ANY ($1::text[])"};

constexpr Sql kSetDisplayname{"set_profile_displayname", R"sql(
    INSERT INTO profiles (user_id, displayname) VALUES ($1, $2)
    ON CONFLICT (user_id) DO UPDATE SET displayname = EXCLUDED.displayname)sql"};

constexpr Sql kSetAvatarUrl{"set_profile_avatar_url", R"sql(
    INSERT INTO profiles (user_id, avatar_url) VALUES ($1, $2)
    ON CONFLICT (user_id) DO UPDATE SET avatar_url = EXCLUDED.avatar_url)sql"};

}  // namespace

ProfileStore::ProfileStore(StoreContext context)
    : context_{std::move(context)}, profiles_{kCacheName, context_.scaled(kCacheEntries), context_.executor} {
    register_cache(context_.caches, kCacheName, profiles_);
}

Task<std::shared_ptr<const Profile>> ProfileStore::get(std::string localpart) {
    const auto cached =
        co_await profiles_.get(localpart, [this](std::string key) -> Task<std::optional<Profile>> {
            const auto rows = co_await context_.db.query(kGet, key);
            if (rows.empty()) co_return std::nullopt;
            co_return Profile{rows.front()[0].opt_str(), rows.front()[1].opt_str()};
        });
    if (!*cached) profiles_.invalidate(localpart);
    co_return present(cached);
}

Task<std::unordered_map<std::string, Profile>> ProfileStore::get_many(std::vector<std::string> localparts) {
    std::unordered_map<std::string, Profile> profiles;
    std::vector<std::string> missing;
    for (auto& localpart : localparts) {
        if (const auto cached = profiles_.get_if_present(localpart)) {
            if (*cached) profiles.emplace(std::move(localpart), **cached);
        } else {
            missing.push_back(std::move(localpart));
        }
    }
    if (missing.empty()) co_return profiles;
    for (const auto row : co_await context_.db.query(kGetMany, missing)) {
        profiles.emplace(row[0].str(), Profile{row[1].opt_str(), row[2].opt_str()});
    }
    co_return profiles;
}

Task<void> ProfileStore::set_field(Sql statement, std::string localpart, std::optional<std::string> value) {
    co_await context_.db.run(statement.name, [&, this](Transaction& txn) {
        txn.exec(statement, localpart, value);
        context_.cache_writer.invalidate(txn, kCacheName, {localpart});
    });
}

Task<void> ProfileStore::set_displayname(std::string localpart, std::optional<std::string> displayname) {
    return set_field(kSetDisplayname, std::move(localpart), std::move(displayname));
}

Task<void> ProfileStore::set_avatar_url(std::string localpart, std::optional<std::string> avatar_url) {
    return set_field(kSetAvatarUrl, std::move(localpart), std::move(avatar_url));
}

}  // namespace weft::storage
