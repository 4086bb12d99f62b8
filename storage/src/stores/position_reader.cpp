#include "weft/storage/position_reader.hpp"

#include <fmt/format.h>

#include "weft/storage/store_error.hpp"

namespace weft::storage {

namespace {

/// One row a stream (and one an instance for caches). GREATEST passes over NULL; an empty stream stands at 1.
/// Instances are found by skipping from one to the next in the index: the table of cache invalidations is
/// large.
constexpr Sql kPositions{"stream_positions", R"sql(
    WITH RECURSIVE instances(name) AS (
        SELECT min(instance_name) FROM cache_invalidation_stream_by_instance
        UNION ALL
        SELECT (SELECT min(instance_name) FROM cache_invalidation_stream_by_instance WHERE instance_name > i.name)
        FROM instances AS i WHERE i.name IS NOT NULL
    ), device_lists(token) AS (
        SELECT GREATEST((SELECT max(stream_id) FROM device_lists_stream),
                        (SELECT max(stream_id) FROM user_signature_stream),
                        (SELECT max(stream_id) FROM device_lists_outbound_pokes), 1)
    ), account_data_ids(token) AS (
        SELECT GREATEST((SELECT max(stream_id) FROM account_data_max_stream_id),
                        (SELECT max(stream_id) FROM account_data),
                        (SELECT max(stream_id) FROM room_account_data),
                        (SELECT max(stream_id) FROM room_tags_revisions), 1)
    )
    SELECT 'events', NULL, GREATEST((SELECT max(stream_ordering) FROM events),
                                    (SELECT max(stream_id) FROM local_invites),
                                    (SELECT max(event_stream_ordering) FROM ex_outlier_stream),
                                    (SELECT max(stream_id) FROM current_state_delta_stream), 1)
    UNION ALL
    SELECT 'backfill', NULL, GREATEST(-(SELECT min(stream_ordering) FROM events),
                                      -(SELECT min(event_stream_ordering) FROM ex_outlier_stream), 1)
    UNION ALL
    SELECT 'presence', NULL, GREATEST((SELECT max(stream_id) FROM presence_stream), 1)
    UNION ALL
    SELECT 'receipts', NULL, GREATEST((SELECT max(stream_id) FROM receipts_linearized), 1)
    UNION ALL
    SELECT 'push_rules', NULL, GREATEST((SELECT max(stream_id) FROM push_rules_stream), 1)
    UNION ALL
    SELECT 'pushers', NULL, GREATEST((SELECT max(id) FROM pushers), (SELECT max(stream_id) FROM deleted_pushers), 1)
    UNION ALL
    SELECT 'public_rooms', NULL, GREATEST((SELECT max(stream_id) FROM public_room_list_stream), 1)
    UNION ALL
    SELECT 'device_lists', NULL, token FROM device_lists
    UNION ALL
    SELECT 'user_signature', NULL, token FROM device_lists
    UNION ALL
    SELECT 'to_device', NULL, GREATEST((SELECT max(stream_id) FROM device_max_stream_id),
                                       (SELECT max(stream_id) FROM device_inbox),
                                       (SELECT max(stream_id) FROM device_federation_outbox), 1)
    UNION ALL
    SELECT 'account_data', NULL, token FROM account_data_ids
    UNION ALL
    SELECT 'tag_account_data', NULL, token FROM account_data_ids
    UNION ALL
    SELECT 'groups', NULL, GREATEST((SELECT max(stream_id) FROM local_group_updates), 1)
    UNION ALL
    SELECT 'caches', name, (SELECT max(stream_id) FROM cache_invalidation_stream_by_instance
                            WHERE instance_name = name)
    FROM instances WHERE name IS NOT NULL
    UNION ALL
    SELECT 'event_writers', instance_name, 0 FROM event_writers WHERE shard IS NOT NULL)sql"};

StreamPositions parse(const Rows& rows) {
    StreamPositions positions;
    for (const auto row : rows) {
        if (row[1].is_null()) {
            positions.streams.emplace(row[0].str(), row[2].i64());
        } else if (row[0].view() == "event_writers") {
            positions.event_writers.insert(row[1].str());
        } else {
            positions.caches.emplace(row[1].str(), row[2].i64());
        }
    }
    return positions;
}

}  // namespace

std::int64_t StreamPositions::of(const std::string& stream) const {
    const auto found = streams.find(stream);
    if (found == streams.end())
        throw StoreError{fmt::format("the stream {} has no position in the database", stream)};
    return found->second;
}

Task<StreamPositions> PositionReader::read() {
    co_return parse(co_await db_.query(kPositions));
}

StreamPositions PositionReader::read_blocking() {
    StreamPositions positions;
    db_.run_blocking([&positions](Transaction& txn) { positions = parse(txn.exec(kPositions)); });
    return positions;
}

}  // namespace weft::storage
