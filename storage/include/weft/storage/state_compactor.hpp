#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "weft/storage/database.hpp"

namespace weft::storage {

/// Makes the stored state groups smaller while the server runs. A group stays the map it is; what changes is
/// which group it is stored as a difference to. The groups of a room, in the order of their IDs, become a
/// ladder: most differ from the one before, every tenth from the one ten before, every hundredth from the one
/// a hundred before, and so on. So no chain is long, and of the whole states that end long chains of plain
/// differences only the first remains.
class StateCompactor {
public:
    struct Options {
        /// Groups that nobody refers to are kept if they are among so many newest: their events may be on
        /// their way.
        std::int64_t newest_kept = 500;
    };
    struct Progress {
        std::size_t rooms_done = 0;
        std::size_t rooms = 0;
        std::size_t groups_rewritten = 0;
    };
    struct Size {
        std::int64_t groups = 0;
        std::int64_t rows = 0;   // of state_groups_state
        std::int64_t bytes = 0;  // of the tables and their indexes, unused space in them included
    };
    struct Report {
        Size before;
        Size after;
        std::size_t rewritten = 0;
        std::size_t collected = 0;
        std::size_t rooms_skipped = 0;  // with groups that build on newer ones
    };

    explicit StateCompactor(Databases databases) : StateCompactor{databases, Options{}} {}
    StateCompactor(Databases databases, Options options) : databases_{databases}, options_{options} {}

    /// All rooms, one after the other. Throws StoreError if another process is at it.
    Task<Report> run(std::function<void(const Progress&)> told);
    /// Deletes groups that neither an event nor another group refers to. Returns how many.
    Task<std::size_t> collect_unreferenced();

private:
    struct Room;
    Task<Size> size();
    Task<Room> load_room(std::string room_id);
    Task<std::size_t> compact_room(std::string room_id, bool& skipped);

    Databases databases_;
    Options options_;
};

}  // namespace weft::storage
