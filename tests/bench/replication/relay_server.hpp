#pragma once

#include <cstdint>

namespace weft::bench {

/// Serves a replication listener that does what Redis does: passes lines on, and makes nothing of them
/// itself. The code is that of the master, whose own share (parsing and applying rows) is left out. Says
/// `{"port": …}` and runs until standard input ends.
void serve_relay();

}  // namespace weft::bench
