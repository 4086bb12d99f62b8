#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weft/storage/database.hpp"

namespace weft::storage {

/// A result copied into two flat buffers on the database thread, so that reading it on the logic thread is
/// only arithmetic.
struct Rows::Impl {
    struct Cell {
        std::size_t offset = 0;
        std::uint32_t size = 0;
        bool null = false;
    };
    std::size_t rows = 0;
    std::size_t columns = 0;
    std::size_t affected = 0;
    std::vector<Cell> cells;  // row by row
    std::string text;
};

}  // namespace weft::storage
