#include "config/key.hpp"

namespace weft::core::config {

std::vector<Key> limit_keys() {
    return {
        limit_key("rc_message", "Limit of sending, by user.",
                  [](Config& config) -> RateLimit& { return config.rc_message; }),
        limit_key("rc_registration", "Limit of registrations, by address.",
                  [](Config& config) -> RateLimit& { return config.rc_registration; }),
        {"rc_login",
         "map",
         "Limits of logins.",
         nullptr,
         {limit_key("address", "By client address.",
                    [](Config& config) -> RateLimit& { return config.rc_login.address; }),
          limit_key("account", "By account.",
                    [](Config& config) -> RateLimit& { return config.rc_login.account; }),
          limit_key("failed_attempts", "Failed logins, by account.",
                    [](Config& config) -> RateLimit& { return config.rc_login.failed_attempts; })}},
        {"rc_joins",
         "map",
         "Limits of joins, by user.",
         nullptr,
         {limit_key("local", "Rooms this server is in.",
                    [](Config& config) -> RateLimit& { return config.rc_joins.local; }),
          limit_key("remote", "Rooms on other servers.",
                    [](Config& config) -> RateLimit& { return config.rc_joins.remote; })}},
        {"rc_invites",
         "map",
         "Limits of invites.",
         nullptr,
         {limit_key("per_room", "By room.",
                    [](Config& config) -> RateLimit& { return config.rc_invites.per_room; }),
          limit_key("per_user", "By invited user.",
                    [](Config& config) -> RateLimit& { return config.rc_invites.per_user; })}},
        limit_key("rc_admin_redaction", "Limit of redactions by server administrators.",
                  [](Config& config) -> RateLimit& { return config.rc_admin_redaction; }),
    };
}

}  // namespace weft::core::config
