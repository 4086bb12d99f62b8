#include "config/key.hpp"

namespace weft::core::config {

namespace {

Key password_policy() {
    const auto flag = [](std::string name, std::string text, bool PasswordPolicy::*member) {
        return bool_key_of(std::move(name), std::move(text),
                           [member](Config& config) -> bool& { return config.password_policy.*member; });
    };
    return {"policy",
            "map",
            "What a new password must have.",
            nullptr,
            {flag("enabled", "Whether new passwords are checked.", &PasswordPolicy::enabled),
             {"minimum_length",
              "integer",
              "Characters at the least.",
              [](Config& config, const Place& at) {
                  config.password_policy.minimum_length = static_cast<std::size_t>(read_integer(at, 0, 500));
              },
              {}},
             flag("require_digit", "A digit.", &PasswordPolicy::require_digit),
             flag("require_symbol", "A character that is neither letter nor digit.",
                  &PasswordPolicy::require_symbol),
             flag("require_lowercase", "A small letter.", &PasswordPolicy::require_lowercase),
             flag("require_uppercase", "A capital letter.", &PasswordPolicy::require_uppercase)}};
}

Key lifetime_key(std::string name, std::string text, std::size_t SessionLifetimes::*member) {
    return duration_key_of(std::move(name), std::move(text), [member](Config& config) -> std::size_t& {
        return config.session_lifetimes.*member;
    });
}

Key email() {
    const auto text = [](std::string name, std::string about, std::string EmailConfig::*member) {
        return string_key_of(std::move(name), std::move(about),
                             [member](Config& config) -> std::string& { return config.email.*member; });
    };
    const auto flag = [](std::string name, std::string about, bool EmailConfig::*member) {
        return bool_key_of(std::move(name), std::move(about),
                           [member](Config& config) -> bool& { return config.email.*member; });
    };
    return {"email",
            "map",
            "How e-mail is sent: to check addresses, to reset passwords and to tell of what is unread.",
            nullptr,
            {text("smtp_host", "The SMTP server; empty: no e-mail.", &EmailConfig::smtp_host),
             {"smtp_port",
              "integer",
              "Its port; 25, or 465 with force_tls, where none is given.",
              [](Config& config, const Place& at) { config.email.smtp_port = read_port(at); },
              {}},
             text("smtp_user", "Name to log in with; empty: no login.", &EmailConfig::smtp_user),
             text("smtp_pass", "Password to log in with.", &EmailConfig::smtp_pass),
             flag("force_tls", "TLS from the first byte on.", &EmailConfig::force_tls),
             flag("enable_tls", "STARTTLS where the server offers it.", &EmailConfig::enable_tls),
             flag("require_transport_security", "Send nothing without TLS.",
                  &EmailConfig::require_transport_security),
             text("notif_from", "The sender, e.g. Example <noreply@example.org>.", &EmailConfig::notif_from),
             text("app_name", "What the texts call this service.", &EmailConfig::app_name),
             duration_key_of(
                 "validation_token_lifetime", "How long the links are good for.",
                 [](Config& config) -> std::size_t& { return config.email.validation_token_lifetime_ms; }),
             duration_key_of(
                 "notif_delay_before_mail", "How long a message stays unread before it is mailed.",
                 [](Config& config) -> std::size_t& { return config.email.notif_delay_before_mail_ms; })}};
}

}  // namespace

std::vector<Key> account_keys() {
    return {
        bool_key("enable_registration", "Whether people can make accounts themselves.",
                 &Config::enable_registration),
        bool_key("enable_registration_without_verification",
                 "Needed beside enable_registration where no token is asked for.",
                 &Config::enable_registration_without_verification),
        bool_key("registration_requires_token", "Ask for a registration token.",
                 &Config::registration_requires_token),
        {"registrations_require_3pid",
         "list",
         "What people must prove when they register: email.",
         [](Config& config, const Place& at) {
             config.registration_requires_email = false;
             for_each_item(at, [&](const Place& item) {
                 if (read_string(item) != "email") item.fail("only email is supported");
                 config.registration_requires_email = true;
             });
         },
         {}},
        bool_key("enable_3pid_changes", "Whether people can add and remove e-mail addresses.",
                 &Config::enable_3pid_changes),
        email(),
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
         {bool_key("enabled", "Whether m.login.password is offered.", &Config::password_login_enabled),
          string_key("pepper", "Secret that is hashed with every password; never change it.",
                     &Config::password_pepper),
          password_policy()}},
        lifetime_key("session_lifetime", "How long a login lasts, whatever is refreshed; 0: until logout.",
                     &SessionLifetimes::session_ms),
        lifetime_key("nonrefreshable_access_token_lifetime",
                     "How long an access token lasts that cannot be refreshed; 0: until logout.",
                     &SessionLifetimes::access_token_ms),
        lifetime_key("refreshable_access_token_lifetime",
                     "How long an access token lasts whose client can refresh it; 0: until logout.",
                     &SessionLifetimes::refreshable_access_token_ms),
        lifetime_key("refresh_token_lifetime", "How long a refresh token can be used; 0: until logout.",
                     &SessionLifetimes::refresh_token_ms),
        {"login_via_existing_session",
         "map",
         "Tokens that log in another client (m.login.token).",
         nullptr,
         {bool_key_of("enabled", "Whether logged-in clients can make them.",
                      [](Config& config) -> bool& { return config.login_tokens.enabled; }),
          bool_key_of("require_ui_auth", "Whether the password is asked for first.",
                      [](Config& config) -> bool& { return config.login_tokens.require_ui_auth; }),
          duration_key_of("token_timeout", "How long such a token is good for.",
                          [](Config& config) -> std::size_t& { return config.login_tokens.timeout_ms; })}},
        bool_key("require_auth_for_profile_requests", "Whether reading a profile needs an access token.",
                 &Config::require_auth_for_profile_requests),
    };
}

}  // namespace weft::core::config
