#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

namespace weft::storage {

/// Rows of a stream in (from, upto], oldest first, in the replication row format: what catch-up reads. All
/// rows of a token that is returned are here. `limited` means: there may be more, ask again from `upto`.
struct StreamUpdates {
    std::vector<std::pair<std::int64_t, boost::json::value>> rows;
    std::int64_t upto = 0;
    bool limited = false;
};

}  // namespace weft::storage
