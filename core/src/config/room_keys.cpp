#include "config/key.hpp"

namespace weft::core::config {

std::vector<Key> room_keys() {
    return {
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
    };
}

}  // namespace weft::core::config
