#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "weft/storage/database.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::storage {

/// State groups: immutable maps, stored as differences along a chain. Read whole and cached, or only for some keys.
/// The cache is bounded by the number of entries in all its maps.
class StateGroups {
public:
    StateGroups(Database& db, std::size_t entries_max) : db_{db}, entries_max_{entries_max} {}

    Task<StateMapPtr> get(std::int64_t group);
    /// How many differences lead to the full group that this one is built on.
    Task<std::size_t> chain(std::int64_t group);
    StateMapPtr cached(std::int64_t group);
    void put(std::int64_t group, StateMapPtr state);
    /// group → the wanted keys that it has.
    Task<std::unordered_map<std::int64_t, proto::StateMap>> get_keys(std::vector<std::int64_t> groups, std::vector<proto::StateKey> keys);

private:
    struct Entry {
        StateMapPtr state;
        std::list<std::int64_t>::iterator place;
    };
    Database& db_;
    std::size_t entries_max_;
    std::size_t entries_ = 0;
    std::unordered_map<std::int64_t, Entry> groups_;
    std::list<std::int64_t> order_;
};

}  // namespace weft::storage
