#include "weft/proto/state_resolution.hpp"

#include "state_resolution_v1.hpp"
#include "state_resolution_v2.hpp"

namespace weft::proto {

StateMap resolve(const RoomVersion& version, std::span<const StateMap> sets, const EventLoader& load) {
    if (sets.empty()) return {};
    if (sets.size() == 1) return sets.front();
    if (version.state_resolution == StateResolution::kV1) return resolve_v1(version, sets, load);
    return resolve_v2(version, sets, load);
}

}  // namespace weft::proto
