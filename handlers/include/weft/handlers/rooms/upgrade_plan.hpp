#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/handlers/rooms/room_plan.hpp"
#include "weft/proto/event.hpp"

namespace weft::handlers {

/// What a replacement room is made from (client-server API, "Room Upgrades").
struct UpgradeSource {
    explicit UpgradeSource(proto::RoomId id) : room_id{std::move(id)} {}

    proto::RoomId room_id;
    std::optional<proto::EventId> last_event;
    /// State events of the old room; what does not go over is ignored.
    std::vector<proto::EventPtr> state;
    /// Room creators besides the upgrading user, for versions that have them.
    std::vector<proto::UserId> additional_creators;
};

/// The events of the replacement room. Pure.
std::vector<proto::EventDraft> plan_upgrade(const UpgradeSource& source, const RoomPlanContext& context);

/// The old power levels in a form that the new version takes. `old_create` may be null. Pure.
proto::json::object upgraded_power_levels(const proto::json::object& content, const proto::Event* old_create,
                                          const proto::json::object& new_create,
                                          const RoomPlanContext& context);
/// The power levels of the old room after the upgrade: only moderators speak and invite; nothing if it is so.
/// Pure.
std::optional<proto::json::object> closed_power_levels(const proto::json::object& content);

}  // namespace weft::handlers
