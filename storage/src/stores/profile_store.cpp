#include "weft/storage/profile_store.hpp"

#include "stores/store_support.hpp"
#include "weft/proto/json.hpp"

namespace weft::storage {

namespace {

constexpr std::size_t kCacheEntries = 10'000;
constexpr auto kCacheName = "get_profileinfo";

constexpr Sql kGet{"get_profile", "SELECT displayname, avatar_url, fields FROM profiles WHERE user_id = $1"};

constexpr Sql kGetMany{"get_profiles",
                       "SELECT user_id, displayname, avatar_url FROM profiles WHERE user_id = ANY ($1::text[])"};

constexpr Sql kSetDisplayname{"set_profile_displayname", R"sql(
    INSERT INTO profiles (user_id, displayname) VALUES ($1, $2)
    ON CONFLICT (user_id) DO UPDATE SET displayname = EXCLUDED.displayname)sql"};

constexpr Sql kSetAvatarUrl{"set_profile_avatar_url", R"sql(
    INSERT INTO profiles (user_id, avatar_url) VALUES ($1, $2)
    ON CONFLICT (user_id) DO UPDATE SET avatar_url = EXCLUDED.avatar_url)sql"};

constexpr Sql kGetForUpdate{"get_profile_for_update",
                            "SELECT displayname, avatar_url, fields FROM profiles WHERE user_id = $1 FOR UPDATE"};

constexpr Sql kSetFields{"set_profile_fields", R"sql(
    INSERT INTO profiles (user_id, fields) VALUES ($1, $2::jsonb)
    ON CONFLICT (user_id) DO UPDATE SET fields = EXCLUDED.fields)sql"};

constexpr Sql kRemoveField{"remove_profile_field", "UPDATE profiles SET fields = fields - $2::text WHERE user_id = $1"};

constexpr Sql kClear{"clear_profile", "UPDATE profiles SET displayname = NULL, avatar_url = NULL, fields = NULL WHERE user_id = $1"};

Profile to_profile(const Rows& rows) {
    if (rows.empty()) return {};
    Profile profile{rows.front()[0].opt_str(), rows.front()[1].opt_str()};
    if (const auto text = rows.front()[2].opt_str()) {
        if (auto fields = proto::parse_json_object(*text)) profile.fields = std::move(*fields);
    }
    return profile;
}

}  // namespace

boost::json::object Profile::to_json() const {
    auto document = fields;
    if (displayname) document["displayname"] = *displayname;
    if (avatar_url) document["avatar_url"] = *avatar_url;
    return document;
}

ProfileStore::ProfileStore(StoreContext context)
    : context_{std::move(context)}, profiles_{kCacheName, context_.scaled(kCacheEntries), context_.executor} {
    register_cache(context_.caches, kCacheName, profiles_);
}

Task<std::shared_ptr<const Profile>> ProfileStore::get(std::string localpart) {
    const auto cached =
        co_await profiles_.get(localpart, [this](std::string key) -> Task<std::optional<Profile>> {
            const auto rows = co_await context_.db.query(kGet, key);
            if (rows.empty()) co_return std::nullopt;
            co_return to_profile(rows);
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

Task<bool> ProfileStore::set_custom_field(std::string localpart, std::string name, boost::json::value value,
                                          std::size_t bytes_max) {
    co_return co_await context_.db.run("set_profile_field", [&, this](Transaction& txn) {
        auto profile = to_profile(txn.exec(kGetForUpdate, localpart));
        profile.fields[name] = value;
        if (proto::to_json(profile.to_json()).size() > bytes_max) return false;
        txn.exec(kSetFields, localpart, proto::to_json(profile.fields));
        context_.cache_writer.invalidate(txn, kCacheName, {localpart});
        return true;
    });
}

Task<void> ProfileStore::clear(std::string localpart) {
    co_await context_.db.run("clear_profile", [&, this](Transaction& txn) {
        txn.exec(kClear, localpart);
        context_.cache_writer.invalidate(txn, kCacheName, {localpart});
    });
}

Task<void> ProfileStore::remove_custom_field(std::string localpart, std::string name) {
    co_await context_.db.run("remove_profile_field", [&, this](Transaction& txn) {
        txn.exec(kRemoveField, localpart, name);
        context_.cache_writer.invalidate(txn, kCacheName, {localpart});
    });
}

}  // namespace weft::storage
