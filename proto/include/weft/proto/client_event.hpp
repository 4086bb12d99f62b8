#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weft/proto/event.hpp"

namespace weft::proto {

/// How an event is shown to a client.
struct ClientFormat {
    bool include_room_id = true;  ///< false inside /sync, where the room is the key
};

/// Appends the client form of the event (client-server API, "Room event format"). `unsigned_json` is "" or an
/// object. Copies prepared text only: this is the inner loop of /sync.
void append_client_event(std::string& out, const Event& event, bool with_room_id,
                         std::string_view unsigned_json);
std::string client_event_json(const Event& event, ClientFormat format, std::string_view unsigned_json = {});

/// What `unsigned` depends on besides the event itself.
struct UnsignedFacts {
    std::optional<std::int64_t> now_ms;              ///< gives `age`
    std::optional<std::string_view> transaction_id;  ///< for the device that sent it
    std::string_view membership;                     ///< of who looks, at the event; or ""
    std::string_view redacted_because_json;          ///< client form of the redaction, or ""
    std::string_view extra_members_json;  ///< further members without braces, e.g. "m.relations":{…}
};
/// `{...}`, or "" if there is nothing to say.
std::string client_unsigned(const Event& event, const UnsignedFacts& facts);

/// The stripped form of state shown to invited and knocking users: content, sender, state_key, type.
json::object stripped_state(const Event& event);

}  // namespace weft::proto
