#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/storage/recent_rows.hpp"
#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// "The user has read up to the event."
struct Receipt {
    std::string room_id;
    std::string type;  // m.read, m.read.private
    std::string user_id;
    std::string event_id;
    std::string data;  // JSON object: {"ts": ms}, with thread_id if the client named one
    /// The thread's root or "main"; none: of the whole room.
    std::optional<std::string> thread_id = std::nullopt;
};

using ReceiptPtr = std::shared_ptr<const Receipt>;
using ReceiptList = std::vector<ReceiptPtr>;

/// Receipts: the newest of each user, room, type and thread. Stream `receipts`, row: [room, type, user, event, data
/// object]. Caches: _get_linearized_receipts_for_room. Writing: the writer of receipts only.
class ReceiptStore {
public:
    ReceiptStore(StoreContext context, StreamState& receipts);

    /// Stores the receipt unless the user's present one is for the same or a later event; then nothing is
    /// returned. Reading also clears the user's push actions up to the event. Returns the token.
    Task<std::optional<std::int64_t>> insert(Receipt receipt);

    /// The newest receipts of each room, in the order of `rooms`. What is not cached is loaded in one query.
    Task<std::vector<std::shared_ptr<const ReceiptList>>> of_rooms(std::vector<std::string> rooms);
    Task<std::shared_ptr<const ReceiptList>> of_room(std::string room_id);
    /// Receipts in `rooms` that changed in (from, to], the newest for each user, room, type and thread. Answered from
    /// memory unless `from` is old.
    Task<ReceiptList> changed(std::vector<std::string> rooms, std::int64_t from, std::int64_t to);
    /// The event the user's receipt of the whole room points at.
    Task<std::optional<std::string>> event_of(std::string user_id, std::string room_id, std::string type);

    Task<StreamUpdates> updates(std::int64_t from, std::int64_t to, std::size_t limit);
    StreamState& stream() { return receipts_; }

private:
    void on_rows(std::int64_t token, const StreamRows& rows);

    StoreContext context_;
    StreamState& receipts_;
    core::Cache<std::string, ReceiptList> room_cache_;
    RecentRows<Receipt> recent_;
};

}  // namespace weft::storage
