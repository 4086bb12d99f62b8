#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weft/core/async.hpp"
#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/handlers/rooms/messages.hpp"
#include "weft/handlers/rooms/state_events.hpp"
#include "weft/storage/delayed_event_store.hpp"

namespace weft::handlers {

/// Events that are sent later unless their sender says otherwise (MSC4140): how a call notices that somebody
/// is gone. They wait in the database; the master sends them. Everything else can be done in any process.
/// Logic thread only.
class DelayedEvents {
public:
    struct Options {
        std::int64_t delay_max_ms = 0;  // 0: switched off
    };
    DelayedEvents(storage::DelayedEventStore& store, RoomReader& rooms, Messages& messages,
                  StateEvents& state_events, storage::EventsStore& events,
                  storage::StreamState& events_stream, const core::Clock& clock,
                  asio::any_io_executor executor, Options options);

    /// Return the delay ID. Throw M_FORBIDDEN for those who are not in the room, M_UNKNOWN for a delay that
    /// is too long or one event too many.
    Task<std::string> schedule(MessageRequest message, std::int64_t delay_ms);
    Task<std::string> schedule(StateRequest state, std::int64_t delay_ms);

    Task<std::vector<storage::DelayedEvent>> waiting(std::string user_id);
    /// `send`, `cancel` or `restart`; whoever knows the ID may do so. Throws M_NOT_FOUND, M_INVALID_PARAM.
    Task<void> act(std::string delay_id, std::string action);

    /// In the master only.
    void start();
    Task<void> stop();

private:
    Task<std::string> add(storage::DelayedEvent event, Actor actor);
    Task<void> send_for_ever();
    Task<bool> send_due();
    Task<void> send(storage::DelayedEvent event);
    void cancel_replaced(const storage::StreamRows& rows);

    storage::DelayedEventStore& store_;
    RoomReader& rooms_;
    Messages& messages_;
    StateEvents& state_events_;
    storage::EventsStore& events_;
    storage::StreamState& events_stream_;
    const core::Clock& clock_;
    Options options_;
    core::Signal changed_;
    bool any_waiting_ = true;  // as far as is known: where none does, state need not be looked at
    core::BackgroundTasks tasks_;
};

}  // namespace weft::handlers
