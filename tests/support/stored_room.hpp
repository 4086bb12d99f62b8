#pragma once

#include <cstdint>
#include <vector>

#include "postgres_fixture.hpp"
#include "random_room.hpp"

namespace weft::test {

/// Writes the room's events into the tables, in their order, as accepted state events; without an index over
/// auth chains.
void store_room(StorageFixture& fixture, const RandomRoom& room);

/// Writes a state group for each state that the room had, most as differences to the one before; their IDs,
/// in the order of `room.history`.
std::vector<std::int64_t> store_groups(StorageFixture& fixture, const RandomRoom& room);

}  // namespace weft::test
