#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/task.hpp"
#include "weft/proto/event_builder.hpp"

namespace weft::handlers {

/// Something a local user (or the server in their name) wants to happen in a room.
struct SendRequest {
    explicit SendRequest(proto::EventDraft event) : draft{std::move(event)} {}

    proto::EventDraft draft;
    /// The client's transaction ID and device: a repeat answers with the first event.
    std::optional<std::string> txn_id;
    std::string device_id;
    /// Count against rc_message.
    bool ratelimit = true;
    /// State that already has the same content is left as it is, and its event is the answer.
    bool deduplicate_state = true;
};

struct SendResult {
    proto::EventId event_id;
    /// Token of the events stream at which the event is visible.
    std::int64_t stream_ordering = 0;
    /// Who stored it; empty if that is not known (an event of old).
    std::string writer = {};
    /// Nothing new was stored: the transaction ID or the state was there already.
    bool duplicate = false;
};

/// Sends events into rooms. The process that owns a room (the events writer its ID hashes to) gives events their place:
/// previous events, auth events, depth, hash, signature, authorization, and stores them. Elsewhere this is a call to
/// the owner. Events of one request are stored in order, all or none.
/// Throws MatrixError: M_FORBIDDEN where the auth rules say no, M_TOO_LARGE, M_BAD_JSON, M_LIMIT_EXCEEDED,
/// M_NOT_FOUND for an unknown room.
class EventSender {
public:
    virtual ~EventSender() = default;
    /// All requests are for the same room.
    virtual Task<std::vector<SendResult>> send_all(std::vector<SendRequest> requests) = 0;
    /// A new room: the first request is m.room.create. Its room ID is given in the draft (none from version 12 on, where it follows
    /// from the event). Returns the room's ID with the results.
    struct Created {
        explicit Created(proto::RoomId id) : room_id{std::move(id)} {}
        proto::RoomId room_id;
        std::vector<SendResult> results;
    };
    virtual Task<Created> create_room(const proto::RoomVersion& version, std::vector<SendRequest> requests) = 0;

    Task<SendResult> send(SendRequest request);

    /// Waits until this process has applied the events stream up to an event (at most 5 s: then goes on).
    virtual Task<void> wait_for_event(SendResult result) = 0;
};

}  // namespace weft::handlers
