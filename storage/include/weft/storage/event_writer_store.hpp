#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/proto/ids.hpp"
#include "weft/storage/cache_stream_writer.hpp"
#include "weft/storage/database.hpp"

namespace weft::storage {

/// Which process writes which room's events, as the database has it.
struct EventWriterShares {
    struct Writer {
        std::string instance;
        std::int64_t lease = 0;
        std::string holder;
        std::optional<std::size_t> shard;  // none: it writes no rooms now
        std::string address;               // `HOST PORT`, a unix socket's path, or empty
    };
    std::vector<Writer> writers;

    /// Null if there is no writer at all.
    const Writer* owner_of(const proto::RoomId& room_id) const;
    const Writer* find(const std::string& instance) const;
    std::size_t shards() const;
};

/// Reads and changes the table of event writers.
class EventWriterStore {
public:
    /// The name under which the caches stream says that the table has changed.
    static constexpr std::string_view kCacheName = "weft_event_writers";

    EventWriterStore(Database& db, CacheStreamWriter& caches) : db_{db}, caches_{caches} {}

    Task<EventWriterShares> read();

    struct Joining {
        std::string instance;
        std::string holder;  // unique to the process
        std::string address;
        std::vector<std::string> configured;  // all writers in the order of their shares
    };
    /// What a process that begins to write has to know.
    struct Joined {
        EventWriterShares shares;
        std::int64_t lease = 0;
        /// Everything up to here was allocated before, and is committed or lost as far as this writer's name
        /// goes.
        std::int64_t token = 0;
    };
    /// Takes the name, and the share of rooms that configuration gives it among those writers that have one
    /// already. Waits for transactions under former leases.
    Task<Joined> join(Joining joining);
    /// Leaves the writer's rooms to the others; false if there are none, or the holder (if named) is another.
    Task<bool> leave(std::string instance, std::string holder);
    /// The newest token of each writer's events after `after`.
    Task<std::vector<std::pair<std::uint32_t, std::int64_t>>> newest_tokens(std::int64_t after);
    /// Fresh tokens of the events stream, ascending.
    Task<std::vector<std::int64_t>> next_tokens(std::size_t count);

private:
    Database& db_;
    CacheStreamWriter& caches_;
};

}  // namespace weft::storage
