#include "weft/handlers/admin/room_removal.hpp"

#include <boost/json/array.hpp>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/room_version.hpp"

namespace weft::handlers {

namespace json = boost::json;
namespace event_type = proto::event_type;

namespace {

constexpr auto kKicked = "kicked_users";
constexpr auto kTakingOut = "taking_out";  // while it lasts
constexpr auto kNotKicked = "failed_to_kick_users";
constexpr auto kAliases = "local_aliases";
constexpr auto kNewRoom = "new_room_id";
constexpr auto kWasBlocked = "was_blocked";

json::object arguments_of(const RoomRemovalRequest& request) {
    json::object arguments{{"requested_by", request.requested_by},
                           {"room_name", request.room_name},
                           {"message", request.message},
                           {"block", request.block},
                           {"purge", request.purge}};
    if (request.new_room_user_id) arguments["new_room_user_id"] = *request.new_room_user_id;
    return arguments;
}

std::string text(const json::object& object, std::string_view key) {
    return std::string{proto::get_string(object, key).value_or("")};
}

bool flag(const json::object& object, std::string_view key) {
    const auto* value = proto::find(object, key);
    return value && value->is_bool() && value->get_bool();
}

void append(json::object& progress, std::string_view key, const std::string& value) {
    auto& list = progress[key];
    if (!list.is_array()) list = json::array{};
    list.get_array().emplace_back(value);
}

SendRequest member_event(const proto::RoomId& room_id, const std::string& user_id,
                         std::string_view membership) {
    SendRequest request{proto::EventDraft{.room_id = room_id,
                                          .sender = proto::UserId::trusted(user_id),
                                          .type = std::string{event_type::kMember},
                                          .state_key = user_id,
                                          .content = {{"membership", membership}},
                                          .redacts = std::nullopt}};
    request.ratelimit = false;
    return request;
}

}  // namespace

RoomRemoval::RoomRemoval(AdminTasks& tasks, storage::AdminRoomStore& rooms, storage::UserStore& users,
                         EventSender& sender, CreateRoom& create_room, RoomVisibility& visibility,
                         const core::Config& config)
    : tasks_{tasks},
      rooms_{rooms},
      users_{users},
      sender_{sender},
      create_room_{create_room},
      visibility_{visibility},
      config_{config} {
    tasks_.define(kShutdownAction, [this](AdminTasks::Run& run) { return remove(run); });
    tasks_.define(kPurgeHistoryAction, [this](AdminTasks::Run& run) { return purge_history(run); });
}

Task<void> RoomRemoval::check(const RoomRemovalRequest& request) {
    if (!request.new_room_user_id) co_return;
    const auto host = co_await users_.get_user(*request.new_room_user_id);
    if (!host || host->deactivated) {
        throw core::MatrixError::invalid_param("new_room_user_id must be a user of this server");
    }
}

Task<std::string> RoomRemoval::start(RoomRemovalRequest request) {
    co_await check(request);
    for (const auto& task : co_await tasks_.of_subject(kShutdownAction, request.room_id)) {
        if (task.status == "active") {
            throw core::MatrixError::unknown(
                fmt::format("The room {} is being deleted already", request.room_id));
        }
    }
    auto arguments = arguments_of(request);
    co_return co_await tasks_.start(kShutdownAction, std::move(request.room_id), std::move(arguments));
}

Task<json::object> RoomRemoval::perform(RoomRemovalRequest request) {
    co_await check(request);
    auto arguments = arguments_of(request);
    const auto task =
        co_await tasks_.perform(kShutdownAction, std::move(request.room_id), std::move(arguments));
    co_return proto::parse_json_object(task.progress).value();
}

Task<std::string> RoomRemoval::start_history_purge(HistoryPurgeRequest request) {
    json::object arguments{{"depth", request.depth}, {"with_local", request.with_local}};
    co_return co_await tasks_.start(kPurgeHistoryAction, std::move(request.room_id), std::move(arguments));
}

Task<void> RoomRemoval::remove(AdminTasks::Run& run) {
    const auto room_id = run.subject();
    for (const auto* key : {kKicked, kNotKicked, kAliases}) {
        if (!run.progress.contains(key)) run.progress[key] = json::array{};
    }
    // Nobody may come in while others are led out.
    if (!run.progress.contains(kWasBlocked)) {
        run.progress[kWasBlocked] = (co_await rooms_.blocked_by(room_id)).has_value();
        co_await run.save();
    }
    co_await rooms_.set_blocked(room_id, text(run.arguments(), "requested_by"), true);
    if (run.arguments().contains("new_room_user_id")) co_await make_new_room(run);
    if (!run.progress.contains(kNewRoom)) run.progress[kNewRoom] = nullptr;

    const auto members = co_await rooms_.local_members(room_id, config_.server_name);
    // Whoever was being taken out when the process ended may be out already, but not in the new room or the list.
    if (const auto last = proto::get_string(run.progress, kTakingOut)) {
        const std::string user_id{*last};
        if (std::ranges::find(members, user_id) == members.end()) co_await take_out(run, user_id, true);
    }
    for (const auto& user_id : members) {
        run.progress[kTakingOut] = user_id;
        co_await run.save();
        co_await take_out(run, user_id, false);
    }
    run.progress.erase(kTakingOut);
    for (const auto& alias : co_await rooms_.remove_aliases(room_id)) append(run.progress, kAliases, alias);
    co_await visibility_.set_public(proto::RoomId::trusted(room_id), false);
    co_await run.save();
    if (flag(run.arguments(), "purge")) {
        const auto events = co_await rooms_.purge(room_id);
        core::log_info("admin", "room {} is purged: {} events", room_id, events);
    }
    if (!flag(run.arguments(), "block") && !flag(run.progress, kWasBlocked)) {
        co_await rooms_.set_blocked(room_id, std::string{}, false);
    }
}

/// A room where those who were put out read why.
Task<void> RoomRemoval::make_new_room(AdminTasks::Run& run) {
    if (run.progress.contains(kNewRoom)) co_return;
    const auto host = proto::UserId::trusted(text(run.arguments(), "new_room_user_id"));
    CreateRoomRequest wish;
    wish.preset = RoomPreset::kPublicChat;
    wish.name = text(run.arguments(), "room_name");
    wish.power_level_override = json::object{{"users_default", -10}};
    auto created = co_await create_room_.create(Actor{host}, std::move(wish));
    run.progress[kNewRoom] = created.room_id.str();
    co_await run.save();
    SendRequest message{
        proto::EventDraft{.room_id = created.room_id,
                          .sender = host,
                          .type = "m.room.message",
                          .state_key = std::nullopt,
                          .content = {{"msgtype", "m.text"}, {"body", text(run.arguments(), "message")}},
                          .redacts = std::nullopt}};
    message.ratelimit = false;
    co_await sender_.send(std::move(message));
}

Task<void> RoomRemoval::take_out(AdminTasks::Run& run, std::string user_id, bool has_left) {
    const auto room_id = proto::RoomId::trusted(run.subject());
    std::string why;
    try {
        if (!has_left) co_await sender_.send(member_event(room_id, user_id, "leave"));
        if (const auto new_room = proto::get_string(run.progress, kNewRoom)) {
            co_await sender_.send(
                member_event(proto::RoomId::trusted(std::string{*new_room}), user_id, "join"));
        }
    } catch (const core::MatrixError& error) {
        why = error.what();
    }
    append(run.progress, why.empty() ? kKicked : kNotKicked, user_id);
    if (!why.empty()) core::log_warning("admin", "{} cannot leave {}: {}", user_id, room_id, why);
}

Task<void> RoomRemoval::purge_history(AdminTasks::Run& run) {
    const auto depth = proto::get_int(run.arguments(), "depth").value_or(0);
    const auto events = co_await rooms_.purge_history(
        run.subject(), depth, flag(run.arguments(), "with_local"), config_.server_name);
    run.progress["events"] = events;
}

}  // namespace weft::handlers
