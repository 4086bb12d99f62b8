#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "big_room.hpp"
#include "weft/storage/database.hpp"

namespace weft::bench {

/// Writes rooms into the tables, as the persister would have, many rows at a time.
class RoomLoader {
public:
    explicit RoomLoader(storage::Database& db) : db_{db} {}

    /// Events from `from` on.
    void add_events(const BigRoom& room, std::size_t from);
    /// The room's state before its forks: a whole group and then differences, as a chain of state groups is.
    std::int64_t add_base_groups(const BigRoom& room, int chain);
    /// A group a changed key.
    std::int64_t add_branch(const BigRoom& room, std::int64_t base, const BigRoom::Branch& branch);
    void run(const std::string& sql);

private:
    std::int64_t add_group(const BigRoom& room, std::optional<std::int64_t> prev,
                           const proto::StateMap& rows);

    storage::Database& db_;
    std::int64_t next_group_ = 1;
};

}  // namespace weft::bench
