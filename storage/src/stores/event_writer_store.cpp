#include "weft/storage/event_writer_store.hpp"

#include <algorithm>

#include "weft/storage/store_error.hpp"
#include "weft/storage/writer_positions.hpp"

namespace weft::storage {
namespace {

constexpr Sql kRead{
    "event_writers",
    "SELECT instance_name, lease, holder, shard, address FROM event_writers ORDER BY instance_name"};
// Waits for every transaction that holds the table to store events, and makes those that come wait. Who only reads, as a
// backup does, is in nobody's way.
constexpr Sql kLock{"lock_event_writers_alone", "LOCK TABLE event_writers IN EXCLUSIVE MODE"};
constexpr Sql kTakeName{
    "take_event_writer",
    "INSERT INTO event_writers (instance_name, tag, lease, holder, address) "
    "VALUES ($1, $2, nextval('event_writer_lease_seq'), $3, $4) ON CONFLICT (instance_name) "
    "DO UPDATE SET lease = excluded.lease, holder = excluded.holder, address = excluded.address"};
constexpr Sql kShare{"share_event_writers",
                     "UPDATE event_writers SET shard = array_position($1::text[], instance_name) - 1, lease "
                     "= nextval('event_writer_lease_seq')"};
// Synapse counts in memory.
constexpr Sql kRaiseSequence{
    "raise_events_sequence",
    "SELECT setval('events_stream_seq', m) FROM (SELECT GREATEST((SELECT max(stream_ordering) FROM events), "
    "(SELECT max(stream_id) FROM local_invites), (SELECT max(event_stream_ordering) FROM ex_outlier_stream), "
    "(SELECT max(stream_id) FROM current_state_delta_stream)) AS m) AS t, events_stream_seq AS s WHERE m >= "
    "s.last_value"};
constexpr Sql kLastToken{"last_events_token",
                         "SELECT last_value - (NOT is_called)::int FROM events_stream_seq"};
constexpr Sql kNewestTokens{"newest_tokens_of_writers",
                            "SELECT writer_tag, max(stream_ordering) FROM events WHERE stream_ordering > $1 "
                            "AND writer_tag IS NOT NULL GROUP BY writer_tag"};
constexpr Sql kNextTokens{"next_events_tokens",
                          "SELECT nextval('events_stream_seq') FROM generate_series(1, $1::int)"};

EventWriterShares parse(const Rows& rows) {
    EventWriterShares out;
    for (const auto row : rows) {
        const auto shard = row[3].opt_i64();
        out.writers.push_back({row[0].str(), row[1].i64(), row[2].str(),
                               shard ? std::optional{static_cast<std::size_t>(*shard)} : std::nullopt,
                               row[4].str()});
    }
    return out;
}

/// Writers with rooms, in the order of their shares.
std::vector<std::string> active(const EventWriterShares& shares) {
    std::vector<std::string> out(shares.shards());
    for (const auto& writer : shares.writers) {
        if (writer.shard && *writer.shard < out.size()) out[*writer.shard] = writer.instance;
    }
    return out;
}

}  // namespace

const EventWriterShares::Writer* EventWriterShares::owner_of(const proto::RoomId& room_id) const {
    const auto count = shards();
    if (count == 0) return nullptr;
    const auto shard = proto::room_shard(room_id, static_cast<std::uint32_t>(count));
    for (const auto& writer : writers) {
        if (writer.shard == shard) return &writer;
    }
    return nullptr;
}

const EventWriterShares::Writer* EventWriterShares::find(const std::string& instance) const {
    const auto found = std::ranges::find(writers, instance, &Writer::instance);
    return found == writers.end() ? nullptr : &*found;
}

std::size_t EventWriterShares::shards() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(writers, [](const auto& writer) { return writer.shard.has_value(); }));
}

Task<EventWriterShares> EventWriterStore::read() {
    co_return parse(co_await db_.query(kRead));
}

Task<EventWriterStore::Joined> EventWriterStore::join(Joining joining) {
    co_return co_await db_.run("join_event_writers", [&](Transaction& txn) {
        txn.exec(kLock);
        txn.exec(kTakeName, joining.instance, static_cast<std::int64_t>(writer_tag(joining.instance)),
                 joining.holder, joining.address);
        auto shares = parse(txn.exec(kRead));
        const auto before = active(shares);
        std::vector<std::string> after;
        for (const auto& name : joining.configured) {
            if (name == joining.instance || std::ranges::find(before, name) != before.end())
                after.push_back(name);
        }
        if (after != before) {
            txn.exec(kShare, after);
            shares = parse(txn.exec(kRead));
        }
        caches_.invalidate(txn, std::string{kCacheName}, {});
        const auto* self = shares.find(joining.instance);
        if (!self) throw StoreError{"a writer of events has lost its name while taking it"};
        const auto lease = self->lease;
        txn.exec(kRaiseSequence);
        return Joined{std::move(shares), lease, txn.exec(kLastToken).front()[0].i64()};
    });
}

Task<bool> EventWriterStore::leave(std::string instance, std::string holder) {
    co_return co_await db_.run("leave_event_writers", [&](Transaction& txn) {
        txn.exec(kLock);
        const auto shares = parse(txn.exec(kRead));
        const auto* self = shares.find(instance);
        if (!self || !self->shard || (!holder.empty() && self->holder != holder)) return false;
        auto rest = active(shares);
        std::erase(rest, instance);
        if (rest.empty()) return false;
        txn.exec(kShare, rest);
        caches_.invalidate(txn, std::string{kCacheName}, {});
        return true;
    });
}

Task<std::vector<std::pair<std::uint32_t, std::int64_t>>> EventWriterStore::newest_tokens(
    std::int64_t after) {
    std::vector<std::pair<std::uint32_t, std::int64_t>> out;
    for (const auto row : co_await db_.query(kNewestTokens, after)) {
        out.emplace_back(static_cast<std::uint32_t>(row[0].i64()), row[1].i64());
    }
    co_return out;
}

Task<std::vector<std::int64_t>> EventWriterStore::next_tokens(std::size_t count) {
    // Should the statement be repeated, tokens are lost, which does no harm.
    std::vector<std::int64_t> out;
    for (const auto row : co_await db_.query(kNextTokens, count)) out.push_back(row[0].i64());
    std::ranges::sort(out);
    co_return out;
}

}  // namespace weft::storage
