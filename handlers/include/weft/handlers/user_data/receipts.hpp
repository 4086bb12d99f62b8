#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/core/linearizer.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/ephemeral/presence.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/receipt_store.hpp"

namespace weft::handlers {

/// One way of saying "I have read up to here".
enum class ReadMarker {
    kRead,         ///< m.read: everybody sees it
    kReadPrivate,  ///< m.read.private: only the user sees it
    kFullyRead,    ///< m.fully_read: account data, where the user went on reading
};
inline std::optional<ReadMarker> parse_read_marker(std::string_view receipt_type) {
    if (receipt_type == "m.read") return ReadMarker::kRead;
    if (receipt_type == "m.read.private") return ReadMarker::kReadPrivate;
    if (receipt_type == "m.fully_read") return ReadMarker::kFullyRead;
    return std::nullopt;
}

/// A position in a room that a client reports.
struct ReadPosition {
    ReadMarker marker = ReadMarker::kRead;
    std::string event_id;
    std::optional<std::string> thread_id = std::nullopt;  // a thread's root or "main"; none: the whole room

    bool operator==(const ReadPosition&) const = default;
};

/// Receipts and the fully-read marker of users (client-server API, "Receipts", "Read and unread markers").
/// Receipts and the marker are of two streams; what is not written here its writer is asked for. Throws MatrixError: M_FORBIDDEN for somebody who
/// is not joined, M_INVALID_PARAM for an event of another room or thread or what is no event ID, M_NOT_FOUND for a
/// fully-read marker at an event that is not known. A receipt may name an event that this server has not seen
/// yet.
class Receipts {
public:
    Receipts(RoomReader& rooms, storage::EventsStore& events, storage::ReceiptStore& receipts,
             storage::AccountDataStore& account_data, Presence& presence, const core::Clock& clock);

    /// Receipts and markers never move backwards.
    Task<void> set(std::string user_id, proto::RoomId room_id, std::vector<ReadPosition> positions);

    using Set = std::function<Task<void>(std::string user_id, proto::RoomId room_id, std::vector<ReadPosition> positions)>;
    /// How the writer of receipts is asked to set(), where that is another process.
    void set_remote_receipts(Set function) { remote_receipts_ = std::move(function); }
    /// The same for the fully-read marker and the writer of account data.
    void set_remote_fully_read(Set function) { remote_fully_read_ = std::move(function); }

private:
    Task<void> require_in_thread(proto::EventPtr event, std::string thread_id);
    Task<void> set_receipt(std::string user_id, proto::RoomId room_id, ReadPosition position);
    Task<void> set_fully_read(std::string user_id, proto::RoomId room_id, proto::EventId event_id);
    Task<bool> is_after(proto::EventId event_id, std::string present);

    RoomReader& rooms_;
    storage::EventsStore& events_;
    storage::ReceiptStore& receipts_;
    storage::AccountDataStore& account_data_;
    Presence& presence_;
    const core::Clock& clock_;
    Set remote_receipts_;
    Set remote_fully_read_;
    core::Linearizer markers_;  // by user and room: read, compare, write
};

/// Throws M_INVALID_PARAM unless a receipt of this kind may name the thread: "main" or an event ID.
void check_thread_id(ReadMarker marker, std::string_view thread_id);

}  // namespace weft::handlers
