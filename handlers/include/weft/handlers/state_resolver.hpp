#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weft/core/async.hpp"
#include "weft/core/cache.hpp"
#include "weft/core/metrics.hpp"
#include "weft/proto/state_resolution.hpp"
#include "weft/storage/auth_chains.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// The state that follows from several state groups, as a difference to one of them.
struct ResolvedState {
    /// The group that `rows` differ from; none if keys were lost, then `rows` are the whole state.
    std::optional<std::int64_t> base;
    std::vector<std::pair<proto::StateKey, proto::EventId>> rows;
};
using ResolvedStatePtr = std::shared_ptr<const ResolvedState>;

/// Resolves the states of a room's forks (room versions, "State resolution"). Reads only what the groups
/// differ in and what that builds on, in batches; the resolution itself runs on the CPU pool. Results are
/// kept by the set of groups, since groups never change. Logic thread only.
class StateResolver {
public:
    StateResolver(storage::EventsStore& events, storage::StateStore& states, storage::AuthChains& chains,
                  core::CpuPool& cpu, asio::any_io_executor executor);

    /// At least one group, all of the room.
    Task<ResolvedStatePtr> resolve(proto::RoomId room_id, const proto::RoomVersion& version,
                                   std::vector<std::int64_t> groups);
    /// The same as a whole map.
    Task<storage::StateMapPtr> whole_state(ResolvedStatePtr resolved);

    /// Seconds that resolutions of the room have taken in this process. Known for the rooms that took most.
    double seconds_of(const std::string& room_id) const;

private:
    struct Knowledge;
    struct Outcome;
    Task<ResolvedState> compute(proto::RoomId room_id, const proto::RoomVersion& version,
                                std::vector<std::int64_t> groups);
    Task<proto::StateMap> resolve_conflict(proto::RoomId room_id, const proto::RoomVersion& version,
                                           std::int64_t group,
                                           std::vector<std::vector<proto::EventId>> conflicted,
                                           proto::StateConflict conflict);
    Task<void> replay_set(proto::RoomId room_id, const proto::RoomVersion& version, std::int64_t group,
                          std::vector<std::vector<proto::EventId>> conflicted, proto::StateConflict& conflict,
                          Knowledge& known);
    Task<void> load_events(std::vector<proto::EventId> ids, Knowledge& known);
    Task<void> load_keys(std::int64_t group, std::vector<proto::StateKey> keys, Knowledge& known);
    void count_time(const std::string& room_id, double seconds);

    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::AuthChains& chains_;
    core::CpuPool& cpu_;
    core::Cache<std::string, ResolvedState> results_;
    core::Histogram seconds_;
    std::map<std::string, double> seconds_by_room_;
};

}  // namespace weft::handlers
