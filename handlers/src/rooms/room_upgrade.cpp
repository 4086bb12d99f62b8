#include "weft/handlers/rooms/room_upgrade.hpp"

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/handlers/rooms/upgrade_plan.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;
using core::MatrixError;

RoomUpgrade::RoomUpgrade(RoomReader& rooms, EventSender& sender, CreateRoom& create, Membership& membership,
                         RoomVisibility& visibility, storage::EventsStore& events, storage::RoomStore& store,
                         storage::RoomDirectoryStore& directory, const core::Clock& clock,
                         std::string server_name)
    : rooms_{rooms},
      sender_{sender},
      create_{create},
      membership_{membership},
      visibility_{visibility},
      events_{events},
      store_{store},
      directory_{directory},
      clock_{clock},
      server_name_{std::move(server_name)} {}

Task<proto::RoomId> RoomUpgrade::upgrade(Actor actor, proto::RoomId room_id, std::string new_version,
                                         std::vector<proto::UserId> additional_creators) {
    const auto& version = proto::RoomVersion::get(new_version);
    // Two upgrades of one room at a time would make two replacements.
    const auto guard = co_await upgrades_.lock(room_id.str());
    co_await rooms_.version(room_id);
    co_await rooms_.require_joined(room_id, actor.user_id);
    const auto levels = co_await rooms_.power_levels(room_id);
    if (levels.user_level(actor.user_id) < levels.event_level(event_type::kTombstone, true)) {
        throw MatrixError::forbidden("You don't have permission to upgrade this room");
    }

    UpgradeSource source{room_id};
    source.state = co_await state_of(room_id);
    source.additional_creators = std::move(additional_creators);
    const auto leaves = co_await events_.forward_extremities(room_id);
    if (!leaves.empty()) source.last_event = leaves.front().first;
    RoomPlanContext context{version, actor.user_id};
    context.creator_member = co_await membership_.with_profile(actor.user_id, "join", {});
    if (!version.room_id_is_create_hash) context.room_id = new_room_id(server_name_);
    context.now_ms = clock_.now_ms();
    const auto new_room = co_await create_.start(version, plan_upgrade(source, context));

    co_await close(actor, room_id, new_room);
    co_await move_names(actor, room_id, new_room);
    co_return new_room;
}

Task<std::vector<proto::EventPtr>> RoomUpgrade::state_of(proto::RoomId room_id) {
    const auto state = co_await rooms_.state(room_id);
    std::vector<proto::EventId> ids;
    for (const auto& [key, event_id] : state->events) {
        if (key.state_key().empty()) ids.push_back(event_id);
    }
    co_return co_await events_.get_events(std::move(ids));
}

Task<void> RoomUpgrade::close(Actor actor, proto::RoomId old_room, proto::RoomId new_room) {
    co_await send_state(actor, old_room, event_type::kTombstone,
                        {{"body", "This room has been replaced"}, {"replacement_room", new_room.str()}});
    if (auto closed = closed_power_levels(co_await rooms_.content(old_room, event_type::kPowerLevels))) {
        co_await try_state(actor, old_room, event_type::kPowerLevels, std::move(*closed));
    }
}

Task<void> RoomUpgrade::move_names(Actor actor, proto::RoomId old_room, proto::RoomId new_room) {
    co_await store_.move_aliases(old_room.str(), new_room.str());
    const auto canonical = co_await rooms_.content(old_room, event_type::kCanonicalAlias);
    if (!canonical.empty()) {
        co_await try_state(actor, old_room, event_type::kCanonicalAlias, {});
        co_await try_state(actor, new_room, event_type::kCanonicalAlias, canonical);
    }
    if (co_await directory_.is_public(old_room.str())) {
        co_await visibility_.set_public(new_room, true);
        co_await visibility_.set_public(old_room, false);
    }
}

Task<void> RoomUpgrade::send_state(Actor actor, proto::RoomId room_id, std::string_view type,
                                   json::object content) {
    SendRequest request{proto::EventDraft{
        .room_id = room_id,
        .sender = actor.user_id,
        .type = std::string{type},
        .state_key = "",
        .content = std::move(content),
        .redacts = std::nullopt,
        .origin_server_ts = clock_.now_ms(),
    }};
    request.ratelimit = false;
    const auto result = co_await sender_.send(std::move(request));
    co_await sender_.wait_for_event(result);
}

Task<void> RoomUpgrade::try_state(Actor actor, proto::RoomId room_id, std::string_view type,
                                  json::object content) {
    try {
        co_await send_state(actor, room_id, type, std::move(content));
    } catch (const MatrixError& error) {
        core::log_info("rooms", "{} of {} stays as it is after the upgrade: {}", type, room_id, error.what());
    }
}

}  // namespace weft::handlers
