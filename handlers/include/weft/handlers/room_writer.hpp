#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/placed_event.hpp"
#include "weft/handlers/push_actions.hpp"
#include "weft/handlers/state_resolver.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/persist_events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Error code of an answer that means: nothing was stored, ask the room's writer.
inline constexpr std::string_view kNotTheWriter = "WEFT_NOT_THE_WRITER";

/// Gives events of the rooms this process owns their place, and stores them. One queue a room: what waits
/// while a batch is being committed becomes the next batch, so that a busy room costs one commit for many
/// events, and a slow room delays nobody else. Since events of a room are built one after the other on top of
/// its newest event, local rooms never fork. Constructed only in processes that write the events stream.
class RoomWriter {
public:
    struct Options {
        std::string server_name;
        std::size_t rooms_max = 5'000;  // room heads kept in memory
        std::size_t events_per_batch_max = 50;
        std::size_t jobs_per_room_max = 2'000;  // waiting; beyond it senders are told to come back later
    };

    RoomWriter(asio::any_io_executor executor, const core::Clock& clock, storage::EventsStore& events,
               storage::StateStore& states, StateResolver& resolver, storage::PersistEventsStore& persist,
               PushActions& push_actions, proto::SigningKey key, Options options);
    ~RoomWriter();

    /// As EventSender::send_all, for a room that this process owns. Throws kNotTheWriter for others.
    Task<std::vector<SendResult>> send_all(std::vector<SendRequest> requests);
    /// As EventSender::create_room.
    Task<EventSender::Created> create_room(const proto::RoomVersion& version,
                                           std::vector<SendRequest> requests);
    /// Stores an event that another process has built, as it is; one that is stored already is its own
    /// answer. Throws MatrixError: M_FORBIDDEN, M_BAD_JSON; M_LIMIT_EXCEEDED for a state event on a state
    /// that has passed.
    Task<SendResult> store(PlacedEvent placed);
    /// The user has turned down an invite to a room whose events this server does not have: the invite is no
    /// longer theirs. Returns the token of the events stream that this takes. Throws kNotTheWriter.
    Task<std::int64_t> reject_invite(proto::RoomId room_id, std::string user_id);
    /// Told of what each transaction has stored. Before the first event.
    void on_stored(std::function<void(const std::vector<proto::EventPtr>&)> callback);
    /// The room is gone from the database, in part or all of it: what is known of its end is read anew.
    void forget_room(const std::string& room_id);
    /// Lets what is queued finish, then stops.
    Task<void> stop(std::int64_t deadline_ms);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::handlers
