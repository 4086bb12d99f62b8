#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "weft/core/errors.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/event.hpp"

namespace weft::proto {

/// Size limits of an event (client-server API, "Size limits").
inline constexpr std::size_t kPduBytesMax = 65536;
inline constexpr std::size_t kEventTypeBytesMax = 255;
inline constexpr std::size_t kStateKeyBytesMax = 255;
/// More than any real graph has; larger values are of a broken or hostile server.
inline constexpr std::int64_t kDepthMax = 9223372036854775807;
inline constexpr std::int64_t kCanonicalDepthMax = 9007199254740991;

/// What somebody wants to send, before it has a place in the room.
struct EventDraft {
    /// Empty only for m.room.create of room version 12 and later, where the event makes the id.
    std::optional<RoomId> room_id;
    UserId sender;
    std::string type;
    std::optional<std::string> state_key;
    json::object content;
    std::optional<EventId> redacts;
    std::int64_t origin_server_ts = 0;
    /// Goes into `unsigned` (replaces_state, prev_content, invite_room_state).
    json::object unsigned_data = {};
    EventMetadata metadata = {};
};

/// Why an event could not be built. value() of the result throws it as MatrixError.
struct BuildError {
    int http_status;
    std::string errcode;  ///< M_TOO_LARGE or M_BAD_JSON
    std::string message;

    core::MatrixError to_matrix_error() const { return {http_status, errcode, message}; }
};
[[noreturn]] inline void throw_exception_from_error(const BuildError& error, const boost::source_location&) {
    throw error.to_matrix_error();
}
using BuildResult = boost::system::result<EventPtr, BuildError>;

/// An earlier event as prev_events and auth_events of room versions 1 and 2 name it: with its reference hash.
struct EventReference {
    EventId event_id;
    std::string sha256_base64 = {};  ///< only used by room versions 1 and 2
};
EventReference reference_to(const Event& event);

/// Gives a draft its place, hash, id and signature.
BuildResult build_event(EventDraft draft, const std::vector<EventReference>& prev_events,
                        const std::vector<EventReference>& auth_events, std::int64_t depth,
                        const RoomVersion& version, std::string_view server_name, const SigningKey& key);
/// The same for rooms of version 3 and later, where an id says it all.
BuildResult build_event(EventDraft draft, const std::vector<EventId>& prev_events,
                        const std::vector<EventId>& auth_events, std::int64_t depth,
                        const RoomVersion& version, std::string_view server_name, const SigningKey& key);

}  // namespace weft::proto
