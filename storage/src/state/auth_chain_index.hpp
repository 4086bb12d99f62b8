#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "weft/storage/database.hpp"

namespace weft::storage {

/// A state event and the events that it names as authorizing it.
struct AuthEdges {
    std::string event_id;
    std::string type;
    std::string state_key;
    std::vector<std::string> auth_events;
};

/// Gives the events, in any order, their places in the index over auth chains, as far as all that they name
/// has a place or gets one here. The others are left for later: an event that has a place has all its auth
/// chain in the index. Two statements, however many events. Returns how many got a place.
std::size_t index_auth_chains(Transaction& txn, const std::vector<AuthEdges>& events);

}  // namespace weft::storage
