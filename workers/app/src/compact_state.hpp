#pragma once

#include "weft/core/config.hpp"

namespace weft::workers {

/// Makes the stored state groups smaller, telling on standard output how far it is and what came of it.
/// Blocks.
void compact_state(const core::Config& config);

}  // namespace weft::workers
