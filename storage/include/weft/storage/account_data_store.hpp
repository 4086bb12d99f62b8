#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// Type -> content (JSON text).
using AccountDataByType = std::map<std::string, std::string>;
/// Tag -> content (JSON text).
using TagsOfRoom = std::map<std::string, std::string>;
using TagsByRoom = std::map<std::string, TagsOfRoom>;

/// A user's account data, all of it or what changed.
struct UserAccountData {
    AccountDataByType global;
    std::map<std::string, AccountDataByType> rooms;
};

/// Account data and room tags. Two streams, `account_data` (row: [user, room or null, type]) and
/// `tag_account_data` (row: [user, room, all tags of the room as a JSON string]), with one ID space: see
/// StreamState::share_ids_with(). A client's sync token has one number for both, which is current(). Writing:
/// the writer of account_data only.
class AccountDataStore {
public:
    /// `tags` must already share its IDs with `account_data`.
    AccountDataStore(StoreContext context, StreamState& account_data, StreamState& tags);

    /// Both streams are visible up to here.
    std::int64_t current() const { return account_data_.shared_current(); }
    /// May account data or tags of the user have changed after `token`?
    bool has_changed(const std::string& user_id, std::int64_t token) const;

    /// `content` is the JSON text of an object. Returns the token.
    Task<std::int64_t> set_global(std::string user_id, std::string type, std::string content);
    Task<std::int64_t> set_room(std::string user_id, std::string room_id, std::string type,
                                std::string content);
    Task<std::int64_t> set_tag(std::string user_id, std::string room_id, std::string tag,
                               std::string content);
    /// Also if there was no such tag.
    Task<std::int64_t> remove_tag(std::string user_id, std::string room_id, std::string tag);

    /// All global account data of the user. Cached.
    Task<std::shared_ptr<const AccountDataByType>> global(std::string user_id);
    /// One content, from the cache of global().
    Task<std::optional<std::string>> global_by_type(std::string user_id, std::string type);
    /// Account data of the user in one room. Cached.
    Task<std::shared_ptr<const AccountDataByType>> room(std::string user_id, std::string room_id);
    /// Everything, in one query: for an initial sync.
    Task<UserAccountData> all(std::string user_id);
    /// What changed in (from, to] (newest contents). No query if the change cache says that nothing did.
    Task<UserAccountData> changed(std::string user_id, std::int64_t from, std::int64_t to);

    /// All tags of the user. Cached.
    Task<std::shared_ptr<const TagsByRoom>> tags(std::string user_id);
    /// Rooms whose tags changed in (from, to], with all their tags now (none if the last one was removed).
    Task<TagsByRoom> changed_tags(std::string user_id, std::int64_t from, std::int64_t to);

    Task<StreamUpdates> updates_account_data(std::int64_t from, std::int64_t to, std::size_t limit);
    Task<StreamUpdates> updates_tags(std::int64_t from, std::int64_t to, std::size_t limit);

private:
    /// No content: the tag is removed.
    Task<std::int64_t> change_tag(std::string user_id, std::string room_id, std::string tag,
                                  std::optional<std::string> content);
    void on_account_data(std::int64_t token, const StreamRows& rows);
    void on_tags(std::int64_t token, const StreamRows& rows);

    StoreContext context_;
    StreamState& account_data_;
    StreamState& tags_;
    core::Cache<std::string, AccountDataByType> global_cache_;
    core::Cache<KeyPair, AccountDataByType, KeyPairHash> room_cache_;
    core::Cache<std::string, TagsByRoom> tags_cache_;
};

}  // namespace weft::storage
