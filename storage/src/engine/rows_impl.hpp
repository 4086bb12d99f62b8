#pragma once

#include "engine/libpq.hpp"
#include "weft/storage/database.hpp"

namespace weft::storage {

/// The result as libpq has it: reading it is only arithmetic, on whatever thread.
struct Rows::Impl {
    PgResult result;  // none: no rows
    std::size_t rows = 0;
    std::size_t columns = 0;
};

}  // namespace weft::storage
