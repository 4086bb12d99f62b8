#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/place.hpp"

namespace weft::core::config {

/// The configuration while it is read: with what is decided only when all is known.
struct Draft : Config {
    std::vector<ListenerConfig> worker_listeners;
    std::uint16_t replication_http_port = 0;
    bool databases_have_main = false;
    SetAt set_at;

    bool is_worker() const { return !worker_app.empty() && worker_app != "weft.app.homeserver"; }
};

using Reader = std::function<void(Draft&, const Place&)>;

/// A key, its documentation and how it is read. A map of fixed keys has `children` instead of a reader.
struct Key {
    std::string name;
    std::string type;
    std::string text;
    Reader read;
    std::vector<Key> children;
};

Key string_key(std::string name, std::string text, std::string Config::*member);
Key bool_key(std::string name, std::string text, bool Config::*member);
Key port_key(std::string name, std::string text, std::uint16_t Config::*member);

/// Keys of parts of the configuration: `member(config)` is the value.
template <class Member>
Key string_key_of(std::string name, std::string text, Member member) {
    return {std::move(name),
            "string",
            std::move(text),
            [member](Config& config, const Place& at) { member(config) = read_string(at); },
            {}};
}
template <class Member>
Key bool_key_of(std::string name, std::string text, Member member) {
    return {std::move(name),
            "boolean",
            std::move(text),
            [member](Config& config, const Place& at) { member(config) = read_bool(at); },
            {}};
}
template <class Member>
Key duration_key_of(std::string name, std::string text, Member member) {
    return {std::move(name),
            "string",
            std::move(text),
            [member](Config& config, const Place& at) { member(config) = read_duration_ms(at); },
            {}};
}

template <class Member>
Key limit_key(std::string name, std::string text, Member member) {
    return {std::move(name),
            "map",
            std::move(text),
            nullptr,
            {{"per_second",
              "number",
              "Actions a second that refill the bucket.",
              [member](Config& config, const Place& at) { member(config).per_second = read_number(at); },
              {}},
             {"burst_count",
              "number",
              "Actions allowed at once before the rate applies.",
              [member](Config& config, const Place& at) { member(config).burst_count = read_number(at); },
              {}}}};
}

/// The documented keys, by subject; all of them together are the configuration.
std::vector<Key> process_keys();
std::vector<Key> account_keys();
std::vector<Key> room_keys();
std::vector<Key> media_keys();
std::vector<Key> limit_keys();
std::vector<Key> notification_keys();

/// Streams that have no writers of their own, and the one whose writers they have: they share its IDs or
/// transactions.
const std::map<std::string, std::string>& written_with();

/// What single keys cannot say: what is missing, and contradictions between them. Throws ConfigError;
/// `last_file` is where a key that is set nowhere could be added.
void check(const Draft& draft, const std::string& last_file);

}  // namespace weft::core::config
