#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/proto/ids.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/room_version.hpp"
#include "weft/proto/state_key.hpp"

namespace weft::proto {

class Event;
/// Events are shared between caches, rooms and responses, and never change.
using EventPtr = std::shared_ptr<const Event>;

/// What this server knows about an event and does not tell others: `internal_metadata` of the database.
struct EventMetadata {
    bool outlier = false;                 ///< kept for auth or invites; not part of the room's graph here
    bool out_of_band_membership = false;  ///< an invite or its rejection for a room we are not in
    bool soft_failed = false;
    bool proactively_send = true;    ///< false: do not send over federation ourselves
    bool recheck_redaction = false;  ///< sender's domain must be checked when the redaction is applied
    bool redacted = false;           ///< what is stored is the pruned form
    std::optional<std::string> send_on_behalf_of;
    std::optional<std::string> txn_id;  ///< with token_id or device_id: who sees the transaction id
    std::optional<std::int64_t> token_id;
    std::optional<std::string> device_id;
    std::optional<std::string> instance_name;  ///< the writer of stream_ordering
    std::optional<std::int64_t> stream_ordering;
    /// Why the event failed authorization; kept in a table of its own, so not part of the JSON.
    std::optional<std::string> rejected_reason;
    json::object unknown;  ///< keys of other writers, kept for the way back

    json::object to_json() const;
    /// Tolerant: what has the wrong type is left at its default.
    static EventMetadata from_json(const json::object& object);
};

/// A room event with its room version. Immutable; safe to share between threads.
class Event {
    struct Private {};
    struct Body;

public:
    /// Checks shape and limits of a PDU (of another server, or just built) and derives its event id. Hashes,
    /// signatures and authorization are checked elsewhere. The text is kept as it is.
    static core::Result<EventPtr> from_json(std::string pdu_json, const RoomVersion& version,
                                            EventMetadata metadata = {});
    /// From our own tables: tolerant, the id is given. Fails only if the JSON is no object or lacks what an
    /// event cannot be without (type, sender, room_id).
    static core::Result<EventPtr> from_database(EventId event_id, std::string pdu_json,
                                                std::string_view internal_metadata_json,
                                                const RoomVersion& version,
                                                std::optional<std::string> rejected_reason = {});

    /// From a tree that the caller has made or checked, and its text.
    static core::Result<EventPtr> from_built(EventId event_id, json::object pdu, std::string pdu_json,
                                             const RoomVersion& version, EventMetadata metadata);

    const EventId& event_id() const noexcept;
    const RoomId& room_id() const noexcept;
    const std::string& type() const noexcept;
    const UserId& sender() const noexcept;
    const std::optional<std::string>& state_key() const noexcept;
    bool is_state() const noexcept { return state_key().has_value(); }
    bool is_state(std::string_view type, std::string_view state_key = {}) const noexcept;
    const json::object& content() const noexcept;
    /// `unsigned` of the stored event: age_ts, replaces_state, prev_content, invite_room_state.
    const json::object& unsigned_data() const noexcept;
    std::int64_t origin_server_ts() const noexcept;
    std::int64_t depth() const noexcept;
    const std::vector<EventId>& prev_events() const noexcept;
    const std::vector<EventId>& auth_events() const noexcept;
    /// Target of an m.room.redaction, whatever the content holds.
    const std::optional<EventId>& redacts() const noexcept;
    const RoomVersion& room_version() const noexcept;
    /// `content.membership` of m.room.member.
    std::optional<std::string_view> membership() const noexcept;
    /// (type, state_key) of a state event; empty state_key otherwise.
    StateKey key() const;
    /// content.url is a string: what the filter `contains_url` means.
    bool contains_url() const noexcept;

    /// The event as it is stored and sent to other servers.
    const std::string& pdu_json() const noexcept;
    /// The same as a tree; parsed anew.
    json::object to_object() const;

    const EventMetadata& metadata() const noexcept { return metadata_; }
    bool outlier() const noexcept { return metadata_.outlier; }
    bool rejected() const noexcept { return metadata_.rejected_reason.has_value(); }
    std::int64_t stream_ordering() const noexcept { return metadata_.stream_ordering.value_or(0); }
    /// The same event with other metadata; shares everything else.
    EventPtr with_metadata(EventMetadata metadata) const;

    /// The client form without `room_id` and `unsigned`, an object without its closing brace; made once, then
    /// kept.
    const std::string& client_head() const;
    /// The parts of `unsigned` for clients that do not depend on who asks, comma separated members; made
    /// once.
    const std::string& client_unsigned_members() const;

    Event(Private, std::shared_ptr<const Body> body, EventMetadata metadata);
    ~Event();

private:
    std::shared_ptr<const Body> body_;
    EventMetadata metadata_;
};

/// `m.relates_to` of an event's content, where it names an event or a relation type.
struct Relation {
    std::string rel_type;
    std::string event_id;
    std::optional<std::string> key;  ///< of m.annotation
};
std::optional<Relation> relation_of(const Event& event);
/// The root of the thread that the event itself names. What relates to such an event is in the thread too: ThreadSearch.
std::optional<std::string> thread_of(const Event& event);

}  // namespace weft::proto
