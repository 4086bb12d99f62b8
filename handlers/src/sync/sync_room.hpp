#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sync/lazy_members.hpp"
#include "sync/room_timeline.hpp"
#include "weft/handlers/event_view.hpp"
#include "weft/handlers/sync/sync.hpp"
#include "weft/proto/json_writer.hpp"

namespace weft::handlers {

/// What a sync says about one joined or left room, ready to be written.
struct SyncRoom {
    proto::RoomId room_id;
    RoomTimeline timeline;
    std::vector<storage::StoredEventPtr> state;
    bool state_is_after = false;  // the timeline, not before
    std::vector<std::string> ephemeral;     // JSON texts
    std::vector<std::string> account_data;  // JSON texts
    std::optional<storage::UnreadByThread> unread;
    bool unread_by_thread = false;  // the client wants to know of each thread
    std::optional<boost::json::object> summary;

    bool empty() const {
        return timeline.events.empty() && !timeline.limited && state.empty() && ephemeral.empty() && account_data.empty() && !summary;
    }
};

/// Chooses the state section of rooms: what the client needs to know besides the timeline.
class RoomStateChooser {
public:
    RoomStateChooser(storage::EventsStore& events, storage::StateStore& states, LazyMembers& lazy)
        : events_{events}, states_{states}, lazy_{lazy} {}

    struct Wanted {
        const proto::FilterDefinition* filter;
        std::string user_id;
        LazyMembers::Exchange exchange;
        bool full = false;     // everything, not only what changed since
        bool summary = false;  // the client is told of the room's heroes
        bool after = false;    // the state at the end of the timeline, whatever that shows
        storage::WriterPositions since = 0;
        storage::WriterPositions now = 0;
    };
    /// IDs of the state events to send; `end` is the state at the end of the timeline. Whoever loads them still has to look at
    /// what the filter says of their senders.
    Task<std::vector<proto::EventId>> choose(Wanted wanted, proto::RoomId room_id, const RoomTimeline& timeline, storage::RoomStatePtr end);

private:
    class AtStart;
    struct Choice {
        const RoomTimeline& timeline;
        bool after;
        std::vector<proto::EventId> ids;
        std::unordered_set<proto::EventId> chosen;
        void add(const proto::EventId& id);
    };
    Task<AtStart> at_start(const RoomTimeline& timeline, storage::RoomStatePtr end);
    static void choose_all(const Wanted& wanted, const AtStart& start, const storage::RoomState& end, Choice& choice);
    Task<void> choose_changed_after(const Wanted& wanted, proto::RoomId room_id, const storage::RoomState& end, Choice& choice);
    Task<void> choose_changed(const Wanted& wanted, proto::RoomId room_id, const AtStart& start, const storage::RoomState& end, Choice& choice);
    void choose_members(const Wanted& wanted, const proto::RoomId& room_id, const AtStart& start, const storage::RoomState& end, Choice& choice);

    storage::EventsStore& events_;
    storage::StateStore& states_;
    LazyMembers& lazy_;
};

/// Numbers of a room, and who is in it where it has no name: for clients that do not load all members.
boost::json::object room_summary(const storage::RoomState& state, const std::string& user_id, bool has_name);
/// The members a client shows where a room has no name: at most five others.
std::vector<std::string> room_heroes(const storage::RoomState& state, const std::string& user_id);

void write_joined_room(proto::JsonWriter& writer, const SyncRoom& room, const EventViewer& viewer);
void write_left_room(proto::JsonWriter& writer, const SyncRoom& room, const EventViewer& viewer);

}  // namespace weft::handlers
