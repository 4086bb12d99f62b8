#include "weft/storage/group_update_store.hpp"

#include "stores/store_support.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {

using proto::replication::GroupsRow;

namespace {

constexpr Sql kUpdates{"group_updates", R"sql(
    SELECT stream_id, group_id, user_id, type, content FROM local_group_updates
    WHERE stream_id > $1 AND stream_id <= $2 ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

/// Content that is not a JSON object becomes {}: one bad row must not stop the stream.
boost::json::value to_row(const Rows::Row& row) {
    auto content = proto::parse_json_object(row[4].view());
    return GroupsRow{row[1].str(), row[2].str(), row[3].str(),
                     content ? std::move(*content) : boost::json::object{}}
        .to_json();
}

}  // namespace

GroupUpdateStore::GroupUpdateStore(StoreContext context, StreamState& groups)
    : context_{std::move(context)}, groups_{groups} {
    groups_.on_invalidate([&stream = groups_](std::int64_t token, const StreamRows& rows) {
        for (const auto& json : rows) {
            if (const auto row = GroupsRow::parse(json)) stream.changes().entity_changed(row->user_id, token);
        }
    });
}

Task<StreamUpdates> GroupUpdateStore::updates(std::int64_t from, std::int64_t to, std::size_t limit) {
    const auto rows = co_await context_.db.query(kUpdates, from, to, limit);
    co_return make_updates(rows, to, limit, to_row);
}

}  // namespace weft::storage
