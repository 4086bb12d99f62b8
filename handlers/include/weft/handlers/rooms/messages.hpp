#pragma once

#include <string>

#include "weft/core/clock.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/rooms/actor.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/room_store.hpp"

namespace weft::handlers {

struct MessageRequest {
    MessageRequest(proto::RoomId room, Actor who) : room_id{std::move(room)}, actor{std::move(who)} {}

    proto::RoomId room_id;
    Actor actor;
    std::string type;
    proto::json::object content;
    /// Of the device: a repeat has no further effect and gets the same answer.
    std::string txn_id;
};

/// Message events and redactions (client-server API, "Sending events to a room", "Redactions"). Logic thread
/// only.
class Messages {
public:
    Messages(RoomReader& rooms, EventSender& sender, storage::EventsStore& events, storage::RoomStore& store,
             const core::Clock& clock, std::string server_name);

    /// Sends an event; m.room.redaction as redact() does, with the target that its content names. Throws
    /// MatrixError: M_FORBIDDEN, M_NOT_FOUND, M_BAD_JSON, M_TOO_LARGE, M_DUPLICATE_ANNOTATION,
    /// M_LIMIT_EXCEEDED, M_UNKNOWN for a thread at an event that cannot have one.
    Task<proto::EventId> send(MessageRequest request);
    /// Redacts an event of the room; `request.content` holds at most a reason, the type does not matter.
    Task<proto::EventId> redact(MessageRequest request, proto::EventId target);

private:
    Task<proto::EventId> place(MessageRequest request, std::optional<proto::EventId> redacts);
    Task<void> require_may_redact(MessageRequest request, proto::EventId target);
    Task<void> require_thread_root(proto::RoomId room_id, proto::EventId root);
    Task<void> require_new(storage::AnnotationKey annotation, Actor actor, std::string txn_id);

    RoomReader& rooms_;
    EventSender& sender_;
    storage::EventsStore& events_;
    storage::RoomStore& store_;
    const core::Clock& clock_;
    std::string server_name_;
};

}  // namespace weft::handlers
