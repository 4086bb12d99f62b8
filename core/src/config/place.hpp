#pragma once

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "weft/core/config.hpp"

/// Reading values of a YAML file, with errors that say where they stand.
namespace weft::core::config {

/// Where each key was set last, as FILE:LINE.
using SetAt = std::map<std::string, std::string>;

/// A node and where it stands, for error messages.
struct Place {
    const YAML::Node& node;
    const std::string& file;
    std::string path;
    int line;  // of the key, else of the value
    SetAt& set_at;

    std::string position() const { return fmt::format("{}:{}", file, line + 1); }
    [[noreturn]] void fail(const std::string& why) const {
        throw ConfigError{path.empty() ? fmt::format("{}: {}", position(), why)
                                       : fmt::format("{}: {}: {}", position(), path, why)};
    }
    Place child(const YAML::Node& value, const std::string& key, int line_of_it) const {
        const bool glued = path.empty() || key.starts_with('[');
        Place place{value, file, glued ? path + key : path + "." + key, line_of_it, set_at};
        set_at.insert_or_assign(place.path, place.position());
        return place;
    }
};

/// Each throws ConfigError where the value is of another type.
std::string read_string(const Place& at);
bool read_bool(const Place& at);
std::int64_t read_integer(const Place& at, std::int64_t min, std::int64_t max);
std::uint16_t read_port(const Place& at);
/// At least 0.
double read_number(const Place& at);
/// A size in bytes such as 1048576, 50M or 64K.
std::size_t read_size(const Place& at);
/// Milliseconds: a number of them, or one with a unit (s, m, h, d, w, y).
std::size_t read_duration(const Place& at);
std::vector<std::string> read_strings(const Place& at);

template <class Function>
void for_each_item(const Place& at, Function function) {
    if (!at.node.IsSequence()) at.fail("expected a list");
    for (std::size_t i = 0; i < at.node.size(); ++i) {
        const auto item = at.node[i];
        function(at.child(item, fmt::format("[{}]", i), item.Mark().line));
    }
}

template <class Function>
void for_each_entry(const Place& at, Function function) {
    if (!at.node.IsMap()) at.fail("expected a map");
    for (const auto& entry : at.node) {
        const auto& key = entry.first.Scalar();
        function(key, at.child(entry.second, key, entry.first.Mark().line));
    }
}

}  // namespace weft::core::config
