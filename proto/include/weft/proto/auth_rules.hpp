#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/proto/event.hpp"
#include "weft/proto/power_levels.hpp"

namespace weft::proto {

/// The events that authorization looks at: a handful, by (type, state_key). From version 12 on it must also
/// hold the create event, although auth_events does not name it.
class AuthLookup {
public:
    AuthLookup() = default;
    explicit AuthLookup(std::span<const EventPtr> events);

    /// Replaces what the key held. Events without a state key are left out.
    void add(EventPtr event);
    const Event* find(std::string_view type, std::string_view state_key = {}) const;
    EventPtr find_ptr(std::string_view type, std::string_view state_key = {}) const;
    /// `content.membership` of the user, or "leave".
    std::string_view membership(std::string_view user_id) const;
    PowerLevels power_levels(const RoomVersion& version) const;
    const std::vector<EventPtr>& events() const noexcept { return events_; }

private:
    std::vector<EventPtr> events_;
};

/// Allowed, or which rule says no. Rule numbers are those of the event's room version.
class [[nodiscard]] AuthResult {
public:
    static AuthResult allow() { return AuthResult{}; }
    static AuthResult reject(std::string rule, std::string reason);

    bool allowed() const noexcept { return rule_.empty(); }
    explicit operator bool() const noexcept { return allowed(); }
    /// "4.3.2", empty if allowed.
    const std::string& rule() const noexcept { return rule_; }
    /// For people, e.g. "rule 4.3.2: sender is not the joining user"; empty if allowed.
    const std::string& reason() const noexcept { return reason_; }

private:
    std::string rule_;
    std::string reason_;
};

/// Whether the state in `auth` permits the event (server-server API, "Authorisation rules", by room version).
/// Signatures on the event are checked elsewhere.
AuthResult check_auth(const Event& event, const AuthLookup& auth, const RoomVersion& version);
/// The rule about the event's own auth_events: no duplicates, nothing that does not belong, nothing rejected,
/// same room.
AuthResult check_auth_event_selection(const Event& event, std::span<const EventPtr> auth_events,
                                      const RoomVersion& version);

/// Which state an event of this kind is authorized by (server-server API, "Auth events selection").
std::vector<StateKey> auth_types_for_event(std::string_view type, std::string_view sender,
                                           const std::optional<std::string>& state_key,
                                           const json::object& content, const RoomVersion& version);
std::vector<StateKey> auth_types_for_event(const Event& event);

/// Whether a redaction that the auth rules let pass may be applied (room versions 3 and later, "Handling
/// redactions"): the sender has the redact level or is of the same server as the sender of the target.
bool may_redact(const Event& redaction, const Event& target, const PowerLevels& levels);

}  // namespace weft::proto
