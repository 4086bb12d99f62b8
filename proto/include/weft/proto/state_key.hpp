#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "weft/proto/ids.hpp"

namespace weft::proto {

/// What a piece of room state is filed under. A handle of one word: keys of the same text share one copy in the whole process,
/// for as long as one of them lives (the same members stand in each of a room's states in memory, the same types in every
/// room). So copies allocate nothing, and equality and hash look at no text; the order is that of the texts. A key that was
/// moved from can only be assigned to or destroyed. Any thread.
class StateKey {
public:
    StateKey(std::string_view type, std::string_view state_key = {});
    StateKey(const StateKey& other) noexcept;
    StateKey(StateKey&& other) noexcept : shared_{std::exchange(other.shared_, nullptr)} {}
    StateKey& operator=(StateKey other) noexcept {
        std::swap(shared_, other.shared_);
        return *this;
    }
    ~StateKey() {
        if (shared_) release();
    }

    const std::string& type() const noexcept;
    const std::string& state_key() const noexcept;
    /// This key's share of the memory of its text: bytes, divided by how many keys there are of it now.
    std::size_t memory_share() const noexcept;
    /// How many different keys the process has.
    static std::size_t count();

    friend bool operator==(const StateKey& a, const StateKey& b) noexcept { return a.shared_ == b.shared_; }
    friend std::strong_ordering operator<=>(const StateKey& a, const StateKey& b) noexcept;

private:
    friend struct std::hash<StateKey>;
    struct Shared;
    class Table;
    void release() noexcept;

    Shared* shared_;
};

}  // namespace weft::proto

template <>
struct std::hash<weft::proto::StateKey> {
    std::size_t operator()(const weft::proto::StateKey& key) const noexcept {
        // Addresses end in the same bits.
        return (reinterpret_cast<std::uintptr_t>(key.shared_) >> 4) * 0x9e3779b97f4a7c15ULL;
    }
};

namespace weft::proto {

/// The state of a room at one point: which event holds each key.
using StateMap = std::unordered_map<StateKey, EventId>;

}  // namespace weft::proto
