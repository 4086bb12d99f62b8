#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "weft/core/metrics.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::storage {

/// State groups: immutable maps, stored as differences along a chain. Read whole and cached, or only for some
/// keys. The cache is bounded by the memory that its maps take.
class StateGroups {
public:
    StateGroups(Databases databases, std::size_t bytes_max)
        : databases_{databases},
          db_{databases.state},
          bytes_max_{bytes_max},
          bytes_gauge_{
              core::gauge("weft_state_group_cache_bytes", "Memory of the state groups in the cache")} {}

    Task<StateMapPtr> get(std::int64_t group);
    /// How many differences lead to the full group that this one is built on.
    Task<std::size_t> chain(std::int64_t group);
    StateMapPtr cached(std::int64_t group);
    void put(std::int64_t group, StateMapPtr state);
    /// group → the wanted keys that it has.
    Task<std::unordered_map<std::int64_t, proto::StateMap>> get_keys(std::vector<std::int64_t> groups,
                                                                     std::vector<proto::StateKey> keys);
    /// Of each group, in the order asked for, the keys that not all of them have with the same value. Reads
    /// only what was written since the groups parted, if they have a common predecessor.
    Task<std::vector<proto::StateMap>> difference(std::vector<std::int64_t> groups);
    /// The keys of some state events, and what the group has there.
    Task<std::vector<HeldKey>> holders(std::int64_t group, std::vector<proto::EventId> event_ids);

private:
    struct Entry {
        StateMapPtr state;
        std::size_t bytes;
        std::list<std::int64_t>::iterator place;
    };
    Task<std::vector<proto::StateMap>> difference_of_unrelated(std::vector<std::int64_t> groups);

    Databases databases_;
    Database& db_;  // where the groups are
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    core::Gauge bytes_gauge_;
    std::unordered_map<std::int64_t, Entry> groups_;
    std::list<std::int64_t> order_;
};

}  // namespace weft::storage
