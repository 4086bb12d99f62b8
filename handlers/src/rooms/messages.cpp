#include "weft/handlers/rooms/messages.hpp"

#include "weft/core/errors.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;
using core::MatrixError;

namespace {

std::optional<storage::AnnotationKey> annotation_of(const MessageRequest& request) {
    const auto* const relation = proto::get_object(request.content, "m.relates_to");
    if (!relation || proto::get_string(*relation, "rel_type") != "m.annotation") return std::nullopt;
    const auto event_id = proto::get_string(*relation, "event_id");
    const auto key = proto::get_string(*relation, "key");
    if (!event_id || !key) return std::nullopt;
    // Neither an event ID nor anything one can look for in the database.
    if (event_id->find('\0') != event_id->npos || key->find('\0') != key->npos) return std::nullopt;
    return storage::AnnotationKey{.room_id = request.room_id.str(),
                                  .sender = request.actor.user_id.str(),
                                  .type = request.type,
                                  .relates_to = std::string{*event_id},
                                  .key = std::string{*key}};
}

std::optional<proto::EventId> thread_root_of(const MessageRequest& request) {
    const auto* const relation = proto::get_object(request.content, "m.relates_to");
    if (!relation || proto::get_string(*relation, "rel_type") != "m.thread") return std::nullopt;
    const auto root = proto::EventId::parse(proto::get_string(*relation, "event_id").value_or(""));
    return root ? std::optional{*root} : std::nullopt;
}

}  // namespace

Messages::Messages(RoomReader& rooms, EventSender& sender, storage::EventsStore& events,
                   storage::RoomStore& store, const core::Clock& clock, std::string server_name)
    : rooms_{rooms},
      sender_{sender},
      events_{events},
      store_{store},
      clock_{clock},
      server_name_{std::move(server_name)} {}

Task<proto::EventId> Messages::send(MessageRequest request) {
    if (request.type == event_type::kRedaction) {
        const auto redacts = proto::get_string(request.content, "redacts");
        if (!redacts) throw MatrixError::bad_json("'redacts' must be the ID of the event to redact");
        const auto target = proto::EventId::parse(*redacts);
        if (!target) throw MatrixError::invalid_param(target.error().message);
        co_return co_await redact(std::move(request), *target);
    }
    if (auto annotation = annotation_of(request))
        co_await require_new(std::move(*annotation), request.actor, request.txn_id);
    if (auto root = thread_root_of(request)) co_await require_thread_root(request.room_id, std::move(*root));
    co_return co_await place(std::move(request), std::nullopt);
}

Task<proto::EventId> Messages::redact(MessageRequest request, proto::EventId target) {
    co_await require_may_redact(request, target);
    request.type = std::string{event_type::kRedaction};
    // Where the target stands depends on the room version and is decided when the event is built.
    request.content.erase("redacts");
    co_return co_await place(std::move(request), std::move(target));
}

Task<proto::EventId> Messages::place(MessageRequest request, std::optional<proto::EventId> redacts) {
    SendRequest out{proto::EventDraft{
        .room_id = std::move(request.room_id),
        .sender = std::move(request.actor.user_id),
        .type = std::move(request.type),
        .state_key = std::nullopt,
        .content = std::move(request.content),
        .redacts = std::move(redacts),
        .origin_server_ts = request.actor.at_ms.value_or(clock_.now_ms()),
    }};
    out.txn_id = std::move(request.txn_id);
    out.device_id = std::move(request.actor.device_id);
    const auto result = co_await sender_.send(std::move(out));
    co_return result.event_id;
}

Task<void> Messages::require_may_redact(MessageRequest request, proto::EventId target) {
    co_await rooms_.require_joined(request.room_id, request.actor.user_id);
    const auto event = co_await events_.get_event(target);
    const bool known = event && event->room_id() == request.room_id;
    if (known && event->is_state(event_type::kCreate)) {
        throw MatrixError::forbidden("Redacting m.room.create is not permitted");
    }
    if (request.actor.suspended && !(known && event->sender() == request.actor.user_id)) {
        throw MatrixError{403, "M_USER_SUSPENDED", "You cannot perform this action while suspended."};
    }
    const auto levels = co_await rooms_.power_levels(request.room_id);
    if (levels.user_level(request.actor.user_id) >= levels.redact()) co_return;
    // Without that power one must see whose event it is.
    if (!known) throw MatrixError::not_found("No such event in this room");
    const bool own = event->sender() == request.actor.user_id;
    const bool of_this_server = event->sender().server_name() == server_name_;
    if (!own && !(request.actor.admin && of_this_server)) {
        throw MatrixError::forbidden("You don't have permission to redact this event");
    }
}

/// Threads do not nest (client-server API, "Validation of m.thread relationships").
Task<void> Messages::require_thread_root(proto::RoomId room_id, proto::EventId root) {
    const auto event = co_await events_.get_event(std::move(root));
    if (!event || event->room_id() != room_id || !proto::relation_of(*event)) co_return;
    throw MatrixError::unknown("Cannot start threads from an event with a relation");
}

Task<void> Messages::require_new(storage::AnnotationKey annotation, Actor actor, std::string txn_id) {
    const auto room_id = proto::RoomId::trusted(annotation.room_id);
    if (!co_await store_.has_annotation(std::move(annotation))) co_return;
    // A request that is repeated because its answer was lost finds its own annotation.
    const auto own =
        co_await events_.event_of_transaction(actor.user_id.str(), actor.device_id, room_id, txn_id);
    if (!own) throw MatrixError{400, "M_DUPLICATE_ANNOTATION", "Can't send the same reaction twice"};
}

}  // namespace weft::handlers
