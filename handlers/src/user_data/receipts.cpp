#include "weft/handlers/user_data/receipts.hpp"

#include <tuple>

#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/thread_search.hpp"

namespace weft::handlers {

namespace json = boost::json;
using core::MatrixError;

namespace {

constexpr auto kFullyReadType = "m.fully_read";

const char* receipt_type(ReadMarker marker) {
    return marker == ReadMarker::kReadPrivate ? "m.read.private" : "m.read";
}

/// Order in the room's history: by depth, then by arrival.
auto place(const storage::RoomToken& token) {
    return std::make_tuple(token.topological.value_or(token.stream.min()), token.stream.min());
}

}  // namespace

void check_thread_id(ReadMarker marker, std::string_view thread_id) {
    if (marker == ReadMarker::kFullyRead) {
        throw MatrixError::invalid_param("thread_id is not compatible with m.fully_read");
    }
    if (thread_id.empty()) throw MatrixError::invalid_param("thread_id field must be a non-empty string");
    if (thread_id != "main" && !proto::EventId::parse(thread_id)) {
        throw MatrixError::invalid_param("thread_id is neither 'main' nor an event ID");
    }
}

Receipts::Receipts(RoomReader& rooms, storage::EventsStore& events, storage::ReceiptStore& receipts,
                   storage::AccountDataStore& account_data, Presence& presence, const core::Clock& clock)
    : rooms_{rooms},
      events_{events},
      receipts_{receipts},
      account_data_{account_data},
      presence_{presence},
      clock_{clock},
      markers_{"fully_read"} {}

Task<void> Receipts::set(std::string user_id, proto::RoomId room_id, std::vector<ReadPosition> positions) {
    co_await rooms_.require_joined(room_id, proto::UserId::trusted(user_id));
    // All are checked before the first is stored.
    std::vector<proto::EventId> events;
    for (const auto& position : positions) {
        auto event_id = proto::EventId::parse(position.event_id);
        if (!event_id) throw MatrixError::invalid_param(event_id.error().message);
        events.push_back(std::move(*event_id));
    }
    for (const auto& event : co_await events_.get_events(events)) {
        if (event->room_id() != room_id) throw MatrixError::invalid_param("The event is not in this room");
        for (const auto& position : positions) {
            if (position.thread_id && position.event_id == event->event_id().str())
                co_await require_in_thread(event, *position.thread_id);
        }
    }
    for (std::size_t i = 0; i < positions.size(); ++i) {
        const bool fully_read = positions[i].marker == ReadMarker::kFullyRead;
        if (const auto& remote = fully_read ? remote_fully_read_ : remote_receipts_) {
            std::vector<ReadPosition> one{positions[i]};
            co_await remote(user_id, room_id, std::move(one));
        } else if (fully_read) {
            co_await set_fully_read(user_id, room_id, events[i]);
        } else {
            co_await set_receipt(user_id, room_id, std::move(positions[i]));
        }
    }
    presence_.user_active(user_id);
}

Task<void> Receipts::require_in_thread(proto::EventPtr event, std::string thread_id) {
    proto::ThreadSearch search{*event};
    while (const auto* const related = search.wanted()) search.found((co_await events_.get_event(*related)).get());
    if (!search.may_be_read_in(thread_id)) throw MatrixError::invalid_param("The event is not in this thread");
}

Task<void> Receipts::set_receipt(std::string user_id, proto::RoomId room_id, ReadPosition position) {
    json::object data{{"ts", clock_.now_ms()}};
    if (position.thread_id) data["thread_id"] = *position.thread_id;
    storage::Receipt receipt{room_id.str(),       receipt_type(position.marker),  std::move(user_id),
                             position.event_id,   proto::to_json(data),           position.thread_id};
    co_await receipts_.insert(std::move(receipt));
}

Task<void> Receipts::set_fully_read(std::string user_id, proto::RoomId room_id, proto::EventId event_id) {
    const auto turn = co_await markers_.lock(user_id + " " + room_id.str());
    const auto data = co_await account_data_.room(user_id, room_id.str());
    std::string present;
    if (const auto found = data->find(kFullyReadType); found != data->end()) {
        const auto content = proto::parse_json_object(found->second);
        if (content) present = std::string{proto::get_string(*content, "event_id").value_or("")};
    }
    if (!co_await is_after(event_id, std::move(present))) co_return;
    auto content = proto::to_json(json::object{{"event_id", event_id.str()}});
    co_await account_data_.set_room(std::move(user_id), room_id.str(), kFullyReadType, std::move(content));
}

Task<bool> Receipts::is_after(proto::EventId event_id, std::string present) {
    const auto wanted = co_await events_.token_of(event_id);
    if (!wanted) throw MatrixError::not_found("The event is not known");
    if (present == event_id.str()) co_return false;
    const auto present_id = proto::EventId::parse(present);
    if (!present_id) co_return true;
    const auto current = co_await events_.token_of(*present_id);
    co_return !current || place(*wanted) > place(*current);
}

}  // namespace weft::handlers
