#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weft::bench {

/// A worker that subscribes to some streams only and does nothing else: the same client and command handler
/// as in every process. Says `{"state": "up"}` once it has caught up, and runs until standard input ends.
void listen_to(std::uint16_t port, const std::string& server_name, const std::vector<std::string>& streams);

}  // namespace weft::bench
