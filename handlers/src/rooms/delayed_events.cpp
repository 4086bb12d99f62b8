#include "weft/handlers/rooms/delayed_events.hpp"

#include "weft/core/async.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/core/random.hpp"
#include "weft/proto/event_builder.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::handlers {

using core::MatrixError;
using storage::DelayedEvent;

namespace {

constexpr std::int64_t kWaitingMax = 100;  // of one user
constexpr std::size_t kSentAtOnce = 50;
/// Other processes put events into the database without a word: how late one may be that this makes.
constexpr core::Milliseconds kLookInterval{500};

MatrixError refused(std::string_view code, const std::string& why) {
    return MatrixError::unknown(why).with("org.matrix.msc4140.errcode", proto::json::string(code));
}

/// What no table can hold the event could not hold either.
void require_storable(std::string_view text) {
    if (text.find('\0') != text.npos)
        throw MatrixError::invalid_param("An event's type and state key hold no NUL");
}

}  // namespace

DelayedEvents::DelayedEvents(storage::DelayedEventStore& store, RoomReader& rooms, Messages& messages,
                             StateEvents& state_events, storage::EventsStore& events,
                             storage::StreamState& events_stream, const core::Clock& clock,
                             asio::any_io_executor executor, Options options)
    : store_{store},
      rooms_{rooms},
      messages_{messages},
      state_events_{state_events},
      events_{events},
      events_stream_{events_stream},
      clock_{clock},
      options_{std::move(options)},
      changed_{executor},
      tasks_{executor} {}

Task<std::string> DelayedEvents::schedule(MessageRequest message, std::int64_t delay_ms) {
    DelayedEvent event;
    event.room_id = message.room_id.str();
    event.type = std::move(message.type);
    event.content = proto::to_json(message.content);
    event.txn_id = std::move(message.txn_id);
    event.delay_ms = delay_ms;
    return add(std::move(event), std::move(message.actor));
}

Task<std::string> DelayedEvents::schedule(StateRequest state, std::int64_t delay_ms) {
    DelayedEvent event;
    event.room_id = state.room_id.str();
    event.type = std::move(state.type);
    event.state_key = std::move(state.state_key);
    event.content = proto::to_json(state.content);
    event.delay_ms = delay_ms;
    return add(std::move(event), std::move(state.actor));
}

Task<std::string> DelayedEvents::add(DelayedEvent event, Actor actor) {
    if (options_.delay_max_ms == 0)
        throw refused("M_MAX_DELAY_UNSUPPORTED", "Delayed events are not supported on this server");
    if (event.delay_ms > options_.delay_max_ms) {
        throw refused("M_MAX_DELAY_EXCEEDED", "The requested delay exceeds the allowed maximum.")
            .with("org.matrix.msc4140.max_delay", options_.delay_max_ms);
    }
    for (const auto* const text : {&event.type, &event.room_id}) require_storable(*text);
    require_storable(event.state_key.value_or(""));
    require_storable(event.txn_id.value_or(""));
    if (event.content.size() > proto::kPduBytesMax) throw MatrixError::too_large("The event is too large");
    co_await rooms_.require_joined(proto::RoomId::trusted(event.room_id), actor.user_id);
    event.delay_id = "delay_" + core::random_letters(20);
    event.user_id = actor.user_id.str();
    event.device_id = std::move(actor.device_id);
    event.running_since_ms = clock_.now_ms();
    auto delay_id = co_await store_.add(std::move(event), kWaitingMax);
    if (!delay_id) throw refused("M_MAX_DELAYED_EVENTS_EXCEEDED", "You have too many delayed events already");
    any_waiting_ = true;
    changed_.notify_all();
    co_return std::move(*delay_id);
}

Task<std::vector<DelayedEvent>> DelayedEvents::waiting(std::string user_id) {
    return store_.of_user(std::move(user_id));
}

Task<void> DelayedEvents::act(std::string delay_id, std::string action) {
    const auto now = clock_.now_ms();
    bool found = false;
    if (action == "send") {
        found = co_await store_.make_due(std::move(delay_id), now);
    } else if (action == "restart") {
        found = co_await store_.restart(std::move(delay_id), now);
    } else if (action == "cancel") {
        found = co_await store_.remove(std::move(delay_id));
    } else {
        throw MatrixError::invalid_param("action: send, cancel or restart");
    }
    if (!found) throw MatrixError::not_found("No such delayed event");
    changed_.notify_all();
}

void DelayedEvents::start() {
    if (options_.delay_max_ms == 0) return;
    events_stream_.on_notify(
        [this](std::int64_t, const storage::StreamRows& rows) { cancel_replaced(rows); });
    tasks_.spawn("send_delayed_events", [this] { return send_for_ever(); });
}

Task<void> DelayedEvents::stop() {
    co_await tasks_.stop();
}

Task<void> DelayedEvents::send_for_ever() {
    for (;;) {
        bool more = false;
        try {
            more = co_await send_due();
        } catch (const std::exception& error) {
            if (core::is_cancellation(std::current_exception())) throw;
            core::log_warning("rooms.delayed", "delayed events have to wait: {}", error.what());
        }
        if (!more) co_await changed_.wait(kLookInterval);
    }
}

Task<bool> DelayedEvents::send_due() {
    const auto next = co_await store_.next_time();
    any_waiting_ = next.has_value();
    if (!next || *next > clock_.now_ms()) co_return false;
    auto events = co_await store_.due(clock_.now_ms(), kSentAtOnce);
    for (auto& event : events) co_await send(std::move(event));
    co_return events.size() == kSentAtOnce;
}

/// The event goes out of the table when it is in the room. Between the two this process may end; then it is
/// sent again, which its transaction ID, or the state that is there already, makes a repetition without
/// effect.
Task<void> DelayedEvents::send(DelayedEvent event) {
    Actor actor{proto::UserId::trusted(event.user_id)};
    actor.device_id = event.device_id;
    auto room_id = proto::RoomId::trusted(event.room_id);
    const auto content = proto::parse_json_object(event.content);
    try {
        if (!content) throw MatrixError::bad_json(content.error().message);
        if (event.state_key) {
            StateRequest request{std::move(room_id), std::move(actor)};
            request.type = event.type;
            request.state_key = *event.state_key;
            request.content = *content;
            co_await state_events_.put(std::move(request));
        } else {
            MessageRequest request{std::move(room_id), std::move(actor)};
            request.type = event.type;
            request.content = *content;
            request.txn_id = event.delay_id;
            co_await messages_.send(std::move(request));
        }
    } catch (const MatrixError& error) {
        if (error.http_status >= 500 || error.http_status == 429) {
            core::log_warning("rooms.delayed", "delayed event {} has to wait: {}", event.delay_id,
                              error.what());
            co_return;
        }
        core::log_info("rooms.delayed", "delayed event {} is not sent: {}", event.delay_id, error.what());
    }
    co_await store_.remove(event.delay_id);
}

/// Newer state of somebody else takes the place of what was to be set later.
void DelayedEvents::cancel_replaced(const storage::StreamRows& rows) {
    if (!any_waiting_) return;
    for (const auto& json : rows) {
        const auto row = proto::replication::parse_events_row(json);
        const auto* const state = row ? std::get_if<proto::replication::EventsStateRow>(&*row) : nullptr;
        if (!state || !state->event_id) continue;
        tasks_.spawn("cancel_delayed_state", [this, state = *state]() -> Task<void> {
            const auto event = co_await events_.get_event(proto::EventId::trusted(*state.event_id));
            if (event)
                co_await store_.cancel_state(state.room_id, state.type, state.state_key,
                                             event->sender().str());
        });
    }
}

}  // namespace weft::handlers
