#pragma once

#include <compare>
#include <functional>
#include <string>
#include <unordered_map>

#include "weft/proto/ids.hpp"

namespace weft::proto {

/// What a piece of room state is filed under.
struct StateKey {
    std::string type;
    std::string state_key;
    auto operator<=>(const StateKey&) const = default;
};

}  // namespace weft::proto

template <>
struct std::hash<weft::proto::StateKey> {
    std::size_t operator()(const weft::proto::StateKey& key) const noexcept {
        const std::size_t type = std::hash<std::string>{}(key.type);
        return type ^
               (std::hash<std::string>{}(key.state_key) + 0x9e3779b97f4a7c15ULL + (type << 6) + (type >> 2));
    }
};

namespace weft::proto {

/// The state of a room at one point: which event holds each key.
using StateMap = std::unordered_map<StateKey, EventId>;

}  // namespace weft::proto
