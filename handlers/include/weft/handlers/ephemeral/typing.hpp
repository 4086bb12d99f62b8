#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/stream_state.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::handlers {

/// Who is typing where. Lives in memory: the writer of the typing stream keeps the truth and expires it, the other
/// processes follow the stream. Rows: [room, [users]].
class Typing {
public:
    Typing(asio::any_io_executor executor, const core::Clock& clock, storage::StateStore& states, storage::StreamState& typing);
    ~Typing();

    /// Users typing in the room now, as this process knows it.
    const std::vector<std::string>& typing_in(const std::string& room_id) const;

    /// Writer only. The user types for `timeout_ms` (at most two minutes), or stops. Throws M_FORBIDDEN if not joined.
    Task<void> set_typing(std::string room_id, std::string user_id, bool typing, std::int64_t timeout_ms);
    /// Writer only: rows after `from`, the newest list of each room, for processes that catch up.
    storage::StreamUpdates updates(std::int64_t from, std::int64_t to, std::size_t limit) const;
    Task<void> stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::handlers
