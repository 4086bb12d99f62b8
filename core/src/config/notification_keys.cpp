#include "config/key.hpp"

/// What leaves for push gateways and application services, and from which processes.
namespace weft::core::config {

std::vector<Key> notification_keys() {
    return {
        bool_key("start_pushers", "Whether the master pushes where pusher_instances names nobody.",
                 &Config::start_pushers),
        {"pusher_instances",
         "list",
         "The instances that send notifications to push gateways; users are divided among them.",
         [](Config& config, const Place& at) { config.pusher_instances = read_strings(at); },
         {}},
        {"push",
         "map",
         "Notifications to push gateways.",
         nullptr,
         {bool_key("include_content", "Whether they hold what was said, unless the pusher wants event IDs only.",
                   &Config::push_include_content),
          bool_key("group_unread_count_by_room",
                   "Whether the badge counts rooms with unread notifications instead of the notifications.",
                   &Config::push_count_rooms)}},
        {"ip_range_blacklist",
         "list",
         "Networks with which this server does not connect where a user or another server chose the name.",
         [](Config& config, const Place& at) { config.ip_range_blacklist = read_strings(at); },
         {}},
        {"ip_range_whitelist",
         "list",
         "Exceptions from ip_range_blacklist.",
         [](Config& config, const Place& at) { config.ip_range_whitelist = read_strings(at); },
         {}},
        {"app_service_config_files",
         "list",
         "Registration files of application services.",
         [](Config& config, const Place& at) { config.app_service_config_files = read_strings(at); },
         {}},
        bool_key("notify_appservices",
                 "Whether the master tells application services of events where notify_appservices_from_worker "
                 "names nobody.",
                 &Config::notify_appservices),
        string_key("notify_appservices_from_worker", "The instance that tells application services of events.",
                   &Config::notify_appservices_from),
    };
}

}  // namespace weft::core::config
