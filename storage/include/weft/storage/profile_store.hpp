#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/json/object.hpp>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

struct Profile {
    std::optional<std::string> displayname;
    std::optional<std::string> avatar_url;
    boost::json::object fields = {};  // all others, by name

    /// The profile as clients get it.
    boost::json::object to_json() const;
};

/// Profiles of local users, by localpart. Caches: get_profileinfo.
class ProfileStore {
public:
    explicit ProfileStore(StoreContext context);

    /// Null if the user has no profile. Cached.
    Task<std::shared_ptr<const Profile>> get(std::string localpart);
    /// By localpart; those without a profile are left out. What is not cached is read in one query. Without `fields`.
    Task<std::unordered_map<std::string, Profile>> get_many(std::vector<std::string> localparts);
    /// Makes the profile if there is none. No value: the field is removed.
    Task<void> set_displayname(std::string localpart, std::optional<std::string> displayname);
    Task<void> set_avatar_url(std::string localpart, std::optional<std::string> avatar_url);
    /// Another field; null is a value like others. Changes nothing and returns false if the profile as JSON would have more
    /// than `bytes_max` bytes then.
    Task<bool> set_custom_field(std::string localpart, std::string name, boost::json::value value, std::size_t bytes_max);
    /// Removes all fields.
    Task<void> clear(std::string localpart);
    Task<void> remove_custom_field(std::string localpart, std::string name);

private:
    Task<void> set_field(Sql statement, std::string localpart, std::optional<std::string> value);

    StoreContext context_;
    core::Cache<std::string, std::optional<Profile>> profiles_;
};

}  // namespace weft::storage
