#pragma once

#include <cstdint>

#include "weft/storage/database.hpp"

namespace weft::storage {

/// The newest token of the events stream up to which everything had been received at `time_ms`; 0 if nothing
/// had.
Task<std::int64_t> newest_received_before(Database& db, std::int64_t time_ms);

}  // namespace weft::storage
