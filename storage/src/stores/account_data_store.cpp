#include "weft/storage/account_data_store.hpp"

#include "stores/store_support.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {

using proto::replication::AccountDataRow;
using proto::replication::TagAccountDataRow;

namespace {

constexpr std::size_t kGlobalCacheEntries = 10'000;
constexpr std::size_t kRoomCacheEntries = 20'000;
constexpr std::size_t kTagsCacheEntries = 10'000;

// Single statements under READ COMMITTED: the row with the greatest ID is shared by all writers, and waiting
// for its lock is cheaper than a serialization failure. An older token that comes late does not replace a
// newer one.
constexpr Sql kSetGlobal{"set_account_data", R"sql(
    WITH newest AS (UPDATE account_data_max_stream_id SET stream_id = $1 WHERE stream_id < $1)
    INSERT INTO account_data (stream_id, user_id, account_data_type, content) VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id, account_data_type) DO UPDATE
    SET stream_id = EXCLUDED.stream_id, content = EXCLUDED.content
    WHERE account_data.stream_id < EXCLUDED.stream_id)sql"};

constexpr Sql kSetRoom{"set_room_account_data", R"sql(
    INSERT INTO room_account_data (stream_id, user_id, room_id, account_data_type, content) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (user_id, room_id, account_data_type) DO UPDATE
    SET stream_id = EXCLUDED.stream_id, content = EXCLUDED.content
    WHERE room_account_data.stream_id < EXCLUDED.stream_id)sql"};

constexpr Sql kSetTag{"set_room_tag", R"sql(
    INSERT INTO room_tags (user_id, room_id, tag, content) VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id, room_id, tag) DO UPDATE SET content = EXCLUDED.content)sql"};

constexpr Sql kRemoveTag{"remove_room_tag",
                         "DELETE FROM room_tags WHERE user_id = $1 AND room_id = $2 AND tag = $3"};

constexpr Sql kSetTagRevision{"set_room_tags_revision", R"sql(
    INSERT INTO room_tags_revisions (user_id, room_id, stream_id) VALUES ($1, $2, $3)
    ON CONFLICT (user_id, room_id) DO UPDATE SET stream_id = GREATEST(room_tags_revisions.stream_id, $3))sql"};

constexpr Sql kTagsOfRoom{"get_room_tags", R"sql(
    SELECT tag, content FROM room_tags WHERE user_id = $1 AND room_id = $2 ORDER BY tag)sql"};

constexpr Sql kGlobal{"get_global_account_data",
                      "SELECT account_data_type, content FROM account_data WHERE user_id = $1"};

constexpr Sql kRoom{"get_room_account_data", R"sql(
    SELECT account_data_type, content FROM room_account_data WHERE user_id = $1 AND room_id = $2)sql"};

constexpr Sql kAll{"get_all_account_data", R"sql(
    SELECT NULL, account_data_type, content FROM account_data WHERE user_id = $1
    UNION ALL
    SELECT room_id, account_data_type, content FROM room_account_data WHERE user_id = $1)sql"};

constexpr Sql kChanged{"get_changed_account_data", R"sql(
    SELECT NULL, account_data_type, content FROM account_data WHERE user_id = $1 AND stream_id > $2 AND stream_id <= $3
    UNION ALL
    SELECT room_id, account_data_type, content FROM room_account_data
    WHERE user_id = $1 AND stream_id > $2 AND stream_id <= $3)sql"};

constexpr Sql kTags{"get_tags", "SELECT room_id, tag, content FROM room_tags WHERE user_id = $1"};

constexpr Sql kChangedTags{"get_changed_tags", R"sql(
    SELECT r.room_id, t.tag, t.content FROM room_tags_revisions AS r
    LEFT JOIN room_tags AS t ON t.user_id = r.user_id AND t.room_id = r.room_id
    WHERE r.user_id = $1 AND r.stream_id > $2 AND r.stream_id <= $3)sql"};

constexpr Sql kUpdates{"account_data_updates", R"sql(
    SELECT stream_id, user_id, room_id, account_data_type FROM (
        SELECT stream_id, user_id, NULL AS room_id, account_data_type FROM account_data
        WHERE stream_id > $1 AND stream_id <= $2
        UNION ALL
        SELECT stream_id, user_id, room_id, account_data_type FROM room_account_data
        WHERE stream_id > $1 AND stream_id <= $2
    ) AS changes ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

/// Tags as an object of JSON texts: contents are not trusted to be JSON here.
constexpr Sql kTagUpdates{"tag_account_data_updates", R"sql(
    SELECT r.stream_id, r.user_id, r.room_id,
           (SELECT json_object_agg(t.tag, t.content) FROM room_tags AS t
            WHERE t.user_id = r.user_id AND t.room_id = r.room_id)
    FROM room_tags_revisions AS r WHERE r.stream_id > $1 AND r.stream_id <= $2
    ORDER BY r.stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

/// {tag: content} as JSON text; a content that is not JSON becomes {}.
std::string tags_json(const TagsOfRoom& tags) {
    boost::json::object object;
    for (const auto& [tag, content] : tags) {
        auto parsed = proto::parse_json(content);
        object[tag] = parsed ? std::move(*parsed) : boost::json::value(boost::json::object{});
    }
    return proto::to_json(object);
}

UserAccountData to_account_data(const Rows& rows) {
    UserAccountData data;
    for (const auto row : rows) {
        auto& by_type = row[0].is_null() ? data.global : data.rooms[row[0].str()];
        by_type.insert_or_assign(row[1].str(), row[2].str());
    }
    return data;
}

AccountDataByType to_by_type(const Rows& rows) {
    AccountDataByType by_type;
    for (const auto row : rows) by_type.insert_or_assign(row[0].str(), row[1].str());
    return by_type;
}

TagsByRoom to_tags(const Rows& rows) {
    TagsByRoom tags;
    for (const auto row : rows) {
        auto& of_room = tags[row[0].str()];
        if (!row[1].is_null()) of_room.insert_or_assign(row[1].str(), row[2].str());
    }
    return tags;
}

}  // namespace

AccountDataStore::AccountDataStore(StoreContext context, StreamState& account_data, StreamState& tags)
    : context_{std::move(context)},
      account_data_{account_data},
      tags_{tags},
      global_cache_{"get_account_data_for_user", context_.scaled(kGlobalCacheEntries), context_.executor},
      room_cache_{"get_account_data_for_room", context_.scaled(kRoomCacheEntries), context_.executor},
      tags_cache_{"get_tags_for_user", context_.scaled(kTagsCacheEntries), context_.executor} {
    register_cache(context_.caches, "get_account_data_for_user", global_cache_);
    register_cache(context_.caches, "get_tags_for_user", tags_cache_);
    account_data_.on_invalidate(
        [this](std::int64_t token, const StreamRows& rows) { on_account_data(token, rows); });
    tags_.on_invalidate([this](std::int64_t token, const StreamRows& rows) { on_tags(token, rows); });
}

void AccountDataStore::on_account_data(std::int64_t token, const StreamRows& rows) {
    for (const auto& json : rows) {
        const auto row = AccountDataRow::parse(json);
        if (!row) continue;
        if (row->room_id) {
            room_cache_.invalidate({row->user_id, *row->room_id});
        } else {
            global_cache_.invalidate(row->user_id);
        }
        account_data_.changes().entity_changed(row->user_id, token);
    }
}

void AccountDataStore::on_tags(std::int64_t token, const StreamRows& rows) {
    for (const auto& json : rows) {
        const auto row = TagAccountDataRow::parse(json);
        if (!row) continue;
        tags_cache_.invalidate(row->user_id);
        tags_.changes().entity_changed(row->user_id, token);
    }
}

bool AccountDataStore::has_changed(const std::string& user_id, std::int64_t token) const {
    return account_data_.changes().has_changed(user_id, token) || tags_.changes().has_changed(user_id, token);
}

Task<std::int64_t> AccountDataStore::set_global(std::string user_id, std::string type, std::string content) {
    auto id = account_data_.allocate();
    const auto token = id.first();
    co_await context_.db.query(kSetGlobal, token, user_id, type, content);
    account_data_.publish(std::move(id), {{token, AccountDataRow{user_id, std::nullopt, type}.to_json()}});
    co_return token;
}

Task<std::int64_t> AccountDataStore::set_room(std::string user_id, std::string room_id, std::string type,
                                              std::string content) {
    auto id = account_data_.allocate();
    const auto token = id.first();
    co_await context_.db.query(kSetRoom, token, user_id, room_id, type, content);
    account_data_.publish(std::move(id), {{token, AccountDataRow{user_id, room_id, type}.to_json()}});
    co_return token;
}

Task<std::int64_t> AccountDataStore::change_tag(std::string user_id, std::string room_id, std::string tag,
                                                std::optional<std::string> content) {
    auto id = tags_.allocate();
    const auto token = id.first();
    TagAccountDataRow row{user_id, room_id, {}};
    row.tags_json = co_await context_.db.run("change_room_tag", [&](Transaction& txn) {
        // The revision first: it is what two changes of one room's tags compete for.
        txn.exec(kSetTagRevision, user_id, room_id, token);
        if (content) {
            txn.exec(kSetTag, user_id, room_id, tag, *content);
        } else {
            txn.exec(kRemoveTag, user_id, room_id, tag);
        }
        return tags_json(to_by_type(txn.exec(kTagsOfRoom, user_id, room_id)));
    });
    tags_.publish(std::move(id), {{token, row.to_json()}});
    co_return token;
}

Task<std::int64_t> AccountDataStore::set_tag(std::string user_id, std::string room_id, std::string tag,
                                             std::string content) {
    return change_tag(std::move(user_id), std::move(room_id), std::move(tag), std::move(content));
}

Task<std::int64_t> AccountDataStore::remove_tag(std::string user_id, std::string room_id, std::string tag) {
    return change_tag(std::move(user_id), std::move(room_id), std::move(tag), std::nullopt);
}

Task<std::shared_ptr<const AccountDataByType>> AccountDataStore::global(std::string user_id) {
    co_return co_await global_cache_.get(user_id, [this](std::string user) -> Task<AccountDataByType> {
        co_return to_by_type(co_await context_.db.query(kGlobal, user));
    });
}

Task<std::optional<std::string>> AccountDataStore::global_by_type(std::string user_id, std::string type) {
    const auto data = co_await global(std::move(user_id));
    const auto found = data->find(type);
    co_return found == data->end() ? std::nullopt : std::optional{found->second};
}

Task<std::shared_ptr<const AccountDataByType>> AccountDataStore::room(std::string user_id,
                                                                      std::string room_id) {
    const KeyPair wanted{std::move(user_id), std::move(room_id)};
    co_return co_await room_cache_.get(wanted, [this](KeyPair key) -> Task<AccountDataByType> {
        co_return to_by_type(co_await context_.db.query(kRoom, key.first, key.second));
    });
}

Task<UserAccountData> AccountDataStore::all(std::string user_id) {
    co_return to_account_data(co_await context_.db.query(kAll, user_id));
}

Task<UserAccountData> AccountDataStore::changed(std::string user_id, std::int64_t from, std::int64_t to) {
    if (from >= to || !account_data_.changes().has_changed(user_id, from)) co_return UserAccountData{};
    co_return to_account_data(co_await context_.db.query(kChanged, user_id, from, to));
}

Task<std::shared_ptr<const TagsByRoom>> AccountDataStore::tags(std::string user_id) {
    co_return co_await tags_cache_.get(user_id, [this](std::string user) -> Task<TagsByRoom> {
        co_return to_tags(co_await context_.db.query(kTags, user));
    });
}

Task<TagsByRoom> AccountDataStore::changed_tags(std::string user_id, std::int64_t from, std::int64_t to) {
    if (from >= to || !tags_.changes().has_changed(user_id, from)) co_return TagsByRoom{};
    co_return to_tags(co_await context_.db.query(kChangedTags, user_id, from, to));
}

Task<StreamUpdates> AccountDataStore::updates_account_data(std::int64_t from, std::int64_t to,
                                                           std::size_t limit) {
    const auto rows = co_await context_.db.query(kUpdates, from, to, limit);
    co_return make_updates(rows, to, limit, [](const Rows::Row& row) {
        return AccountDataRow{row[1].str(), row[2].opt_str(), row[3].str()}.to_json();
    });
}

Task<StreamUpdates> AccountDataStore::updates_tags(std::int64_t from, std::int64_t to, std::size_t limit) {
    const auto rows = co_await context_.db.query(kTagUpdates, from, to, limit);
    co_return make_updates(rows, to, limit, [](const Rows::Row& row) {
        TagsOfRoom tags;
        if (const auto parsed = proto::parse_json_object(row[3].is_null() ? "{}" : row[3].view())) {
            for (const auto& [tag, content] : *parsed) {
                if (content.is_string()) tags.emplace(tag, content.get_string());
            }
        }
        return TagAccountDataRow{row[1].str(), row[2].str(), tags_json(tags)}.to_json();
    });
}

}  // namespace weft::storage
