#include "config/key.hpp"

namespace weft::core::config {
namespace {

SupportConfig::Contact read_contact(const Place& at) {
    SupportConfig::Contact out;
    for_each_entry(at, [&](const std::string& key, const Place& value) {
        if (key == "role") {
            out.role = read_string(value);
        } else if (key == "matrix_id") {
            out.matrix_id = read_string(value);
        } else if (key == "email_address") {
            out.email_address = read_string(value);
        } else {
            value.fail("unknown key");
        }
    });
    if (out.role.empty()) at.fail("a contact needs a role");
    if (out.matrix_id.empty() && out.email_address.empty())
        at.fail("a contact needs a matrix_id or an email_address");
    return out;
}

std::vector<Key> call_keys() {
    return {
        {"turn_uris",
         "list",
         "TURN servers that clients are told of.",
         [](Config& config, const Place& at) { config.turn.uris = read_strings(at); },
         {}},
        {"turn_shared_secret",
         "string",
         "Secret shared with the TURN servers, from which each user's password is made.",
         [](Config& config, const Place& at) { config.turn.shared_secret = read_string(at); },
         {}},
        {"turn_username",
         "string",
         "Name for TURN servers without a shared secret.",
         [](Config& config, const Place& at) { config.turn.username = read_string(at); },
         {}},
        {"turn_password",
         "string",
         "Password for TURN servers without a shared secret.",
         [](Config& config, const Place& at) { config.turn.password = read_string(at); },
         {}},
        {"turn_user_lifetime",
         "string",
         "How long a client may use its TURN login: milliseconds, or a number and s, m, h, d or w.",
         [](Config& config, const Place& at) { config.turn.user_lifetime_ms = read_duration_ms(at); },
         {}},
        {"turn_allow_guests",
         "boolean",
         "Whether guests are told of the TURN servers.",
         [](Config& config, const Place& at) { config.turn.allow_guests = read_bool(at); },
         {}},
        {"max_event_delay_duration",
         "string",
         "Longest delay of a delayed event, as turn_user_lifetime; 0 switches them off.",
         [](Config& config, const Place& at) { config.delayed_events_max_ms = read_duration_ms(at); },
         {}},
    };
}

}  // namespace

std::vector<Key> room_keys() {
    std::vector<Key> keys{
        string_key("default_room_version", "Version of new rooms for which the client asks for none.",
                   &Config::default_room_version),
        {"presence",
         "map",
         "Presence.",
         nullptr,
         {bool_key("enabled", "Whether presence is tracked and told.", &Config::use_presence),
          {"wake_interval_ms",
           "integer",
           "A waiting /sync is answered for presence alone at most this often, in milliseconds.",
           [](Config& config, const Place& at) {
               config.presence_wake_interval_ms = read_integer(at, 0, 600'000);
           },
           {}}}},
        bool_key("use_presence", "Older spelling of presence.enabled.", &Config::use_presence),
        bool_key("enable_room_list_search", "Whether the room directory can be searched.",
                 &Config::enable_room_list_search),
        {"user_directory",
         "map",
         "Finding people by name.",
         nullptr,
         {{"enabled",
           "boolean",
           "Whether the user directory can be searched.",
           [](Config& config, const Place& at) { config.user_directory.enabled = read_bool(at); },
           {}},
          {"search_all_users",
           "boolean",
           "Find everybody in it, not only people met in a room or in a public one.",
           [](Config& config, const Place& at) { config.user_directory.search_all_users = read_bool(at); },
           {}},
          {"prefer_local_users",
           "boolean",
           "List users of this server first.",
           [](Config& config, const Place& at) { config.user_directory.prefer_local_users = read_bool(at); },
           {}}}},
        {"support",
         "map",
         "Whom to ask for help; told in /.well-known/matrix/support.",
         nullptr,
         {{"contacts",
           "list",
           "People: role (m.role.admin, m.role.security), matrix_id, email_address.",
           [](Config& config, const Place& at) {
               config.support.contacts.clear();
               for_each_item(
                   at, [&](const Place& item) { config.support.contacts.push_back(read_contact(item)); });
           },
           {}},
          {"support_page",
           "string",
           "A page with help for this server's users.",
           [](Config& config, const Place& at) { config.support.page = read_string(at); },
           {}}}},
    };
    for (auto& key : call_keys()) keys.push_back(std::move(key));
    return keys;
}

}  // namespace weft::core::config
