#include "config/key.hpp"

namespace weft::core::config {

std::vector<Key> account_keys() {
    return {
        bool_key("enable_registration", "Whether people can make accounts themselves.",
                 &Config::enable_registration),
        bool_key("enable_registration_without_verification",
                 "Needed beside enable_registration where no token is asked for.",
                 &Config::enable_registration_without_verification),
        bool_key("registration_requires_token", "Ask for a registration token.",
                 &Config::registration_requires_token),
        bool_key("allow_guest_access", "Whether guests may register.", &Config::allow_guest_access),
        string_key("registration_shared_secret",
                   "Secret for /_synapse/admin/v1/register; empty switches it off.",
                   &Config::registration_shared_secret),
        string_key("macaroon_secret_key", "Secret that signs short-lived tokens.",
                   &Config::macaroon_secret_key),
        {"password_config",
         "map",
         "Login with passwords.",
         nullptr,
         {bool_key("enabled", "Whether m.login.password is offered.", &Config::password_login_enabled)}},
        bool_key("require_auth_for_profile_requests", "Whether reading a profile needs an access token.",
                 &Config::require_auth_for_profile_requests),
    };
}

}  // namespace weft::core::config
