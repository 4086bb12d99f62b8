#include "weft/core/config.hpp"

#include <algorithm>

#include <yaml-cpp/yaml.h>

#include "config/key.hpp"

namespace weft::core {
namespace {

using config::Draft;
using config::Key;
using config::Place;

/// All documented keys, in the order of the reference.
const std::vector<Key>& keys() {
    static const std::vector<Key> all = [] {
        std::vector<Key> out;
        for (auto* group :
             {config::process_keys, config::account_keys, config::room_keys, config::media_keys, config::notification_keys,
              config::limit_keys}) {
            auto keys_of_group = group();
            std::ranges::move(keys_of_group, std::back_inserter(out));
        }
        return out;
    }();
    return all;
}

void read_map(Draft& config, const Place& at, const std::vector<Key>& known) {
    for_each_entry(at, [&](const std::string& name, const Place& value) {
        const auto key = std::find_if(known.begin(), known.end(),
                                      [&](const Key& candidate) { return candidate.name == name; });
        if (key == known.end()) value.fail("unknown key");
        if (key->read) {
            key->read(config, value);
        } else {
            read_map(config, value, key->children);
        }
    });
}

void list_keys(const std::vector<Key>& known, const std::string& prefix, std::vector<ConfigKey>& out) {
    for (const auto& key : known) {
        out.push_back({prefix + key.name, key.type, key.text});
        list_keys(key.children, prefix + key.name + ".", out);
    }
}

/// What follows from several keys together.
void complete(Draft& draft) {
    if (draft.is_worker()) draft.listeners = draft.worker_listeners;
    if (draft.replication_http_port != 0) {
        draft.instance_map.try_emplace(
            "master", InstanceAddress{draft.replication_host, draft.replication_http_port, ""});
    }
}

}  // namespace

std::vector<std::string> Config::writers_of(const std::string& stream) const {
    const auto leader = config::written_with().find(stream);
    const auto found = stream_writers.find(leader == config::written_with().end() ? stream : leader->second);
    return found == stream_writers.end() ? std::vector<std::string>{"master"} : found->second;
}

bool Config::writes(const std::string& stream) const {
    const auto writers = writers_of(stream);
    return std::find(writers.begin(), writers.end(), instance_name.get()) != writers.end();
}

std::vector<std::string> Config::pushers() const {
    if (!pusher_instances.empty()) return pusher_instances;
    if (start_pushers) return {"master"};
    return {};
}

bool Config::tells_appservices() const {
    if (!notify_appservices_from.empty()) return instance_name.get() == notify_appservices_from;
    return notify_appservices && is_master();
}

Config load_config(const std::vector<std::string>& files) {
    if (files.empty()) throw ConfigError{"no configuration file given (-c FILE)"};
    config::Draft draft;
    for (const auto& file : files) {
        YAML::Node root;
        try {
            root = YAML::LoadFile(file);
        } catch (const YAML::BadFile&) {
            throw ConfigError{fmt::format("{}: cannot be read", file)};
        } catch (const YAML::ParserException& error) {
            throw ConfigError{fmt::format("{}:{}: not valid YAML: {}", file, error.mark.line + 1, error.msg)};
        }
        if (root.IsNull()) continue;
        read_map(draft, config::Place{root, file, "", root.Mark().line, draft.set_at}, keys());
    }
    complete(draft);
    config::check(draft, files.back());
    return draft;
}

const std::vector<ConfigKey>& config_keys() {
    static const std::vector<ConfigKey> all = [] {
        std::vector<ConfigKey> out;
        list_keys(keys(), "", out);
        return out;
    }();
    return all;
}

}  // namespace weft::core
