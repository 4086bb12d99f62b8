#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace weft::storage {

/// Where an event stands in the index over auth chains: it builds on all that come before it on its chain.
struct ChainPlace {
    std::int64_t chain = 0;
    std::int64_t sequence = 0;
};

/// For each of some chains, a sequence number.
using ChainPositions = std::unordered_map<std::int64_t, std::int64_t>;

/// Some chains and the links between them, in memory.
class ChainCover {
public:
    void add_link(ChainPlace from, ChainPlace to);

    /// What the places build on, these included: all events of a chain up to the given number.
    ChainPositions reached_from(const std::vector<ChainPlace>& places) const;
    /// What builds on one of the places, these included: all events of a chain from the given number on. Only
    /// chains that the links here come from are known.
    ChainPositions building_on(const std::vector<ChainPlace>& places) const;

private:
    struct Link {
        std::int64_t own_sequence;
        ChainPlace other;
    };
    std::unordered_map<std::int64_t, std::vector<Link>> from_;
    std::unordered_map<std::int64_t, std::vector<Link>> to_;
};

/// Events of a chain with after < sequence number <= upto.
struct ChainRange {
    std::int64_t chain = 0;
    std::int64_t after = 0;
    std::int64_t upto = 0;
    bool contains(const ChainPlace& place) const {
        return place.chain == chain && place.sequence > after && place.sequence <= upto;
    }
};

/// What some of the states reach, but not all, leaving out what `implied` reaches.
std::vector<ChainRange> chain_difference(const std::vector<ChainPositions>& states,
                                         const ChainPositions& implied);

}  // namespace weft::storage
