#include "weft/handlers/user_data/upgraded_room_settings.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;
using proto::PushRuleKind;

namespace {

constexpr auto kDirectType = "m.direct";
/// Joins come in storms, and what a few users miss of tags is worth less than the memory.
constexpr std::size_t kPendingMax = 10'000;
constexpr std::size_t kPredecessorsMax = 10'000;

std::optional<proto::RoomId> room_in(const json::object* content, std::string_view member) {
    const auto text = content ? proto::get_string(*content, member) : std::nullopt;
    if (!text) return std::nullopt;
    const auto room_id = proto::RoomId::parse(*text);
    return room_id ? std::optional{*room_id} : std::nullopt;
}

/// The room that a create event says to go on from.
std::optional<proto::RoomId> predecessor_in(const proto::EventPtr& create) {
    return room_in(create ? proto::get_object(create->content(), "predecessor") : nullptr, "room_id");
}

bool contains(const json::array& list, std::string_view text) {
    return std::ranges::find(list, json::value(text)) != list.end();
}

}  // namespace

std::optional<RuleForNewRoom> rule_for_new_room(PushRuleKind kind, const json::object& rule,
                                                const std::string& old_room, const std::string& new_room) {
    const auto* const actions = proto::get_array(rule, "actions");
    if (!actions || proto::get_bool(rule, "default").value_or(false)) return std::nullopt;
    RuleForNewRoom out{new_room, {{"actions", *actions}}};
    if (kind == PushRuleKind::kRoom)
        return proto::get_string(rule, "rule_id") == old_room ? std::optional{std::move(out)} : std::nullopt;
    const auto* const conditions = proto::get_array(rule, "conditions");
    if (!conditions) return std::nullopt;
    json::array changed = *conditions;
    bool is_about_room = false;
    for (auto& item : changed) {
        auto* const condition = item.if_object();
        if (!condition || proto::get_string(*condition, "key") != "room_id") continue;
        for (const auto* const member : {"pattern", "value"}) {
            if (proto::get_string(*condition, member) != old_room) continue;
            (*condition)[member] = new_room;
            is_about_room = true;
        }
    }
    if (!is_about_room) return std::nullopt;
    out.body["conditions"] = std::move(changed);
    return out;
}

UpgradedRoomSettings::UpgradedRoomSettings(storage::EventsStore& events, storage::StateStore& states,
                                           storage::AccountDataStore& account_data, PushRules& push_rules,
                                           const core::Config& config, asio::any_io_executor executor)
    : events_{events},
      states_{states},
      account_data_{account_data},
      push_rules_{push_rules},
      server_name_{config.server_name},
      writes_account_data_{config.writes("account_data")},
      writes_push_rules_{config.writes("push_rules")},
      tasks_{std::move(executor)} {}

void UpgradedRoomSettings::follow(storage::StreamState& events_stream) {
    if (!writes_account_data_ && !writes_push_rules_) return;
    events_stream.on_notify([this](std::int64_t, const storage::StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = proto::replication::parse_events_row(json);
            const auto* const event = row ? std::get_if<proto::replication::EventsEventRow>(&*row) : nullptr;
            if (!event || !event->state_key) continue;
            const bool is_tombstone = event->type == event_type::kTombstone;
            const bool is_local_member =
                event->type == event_type::kMember && event->state_key->ends_with(":" + server_name_);
            if (is_tombstone || is_local_member)
                note({proto::EventId::trusted(event->event_id), proto::RoomId::trusted(event->room_id),
                      is_tombstone});
        }
    });
}

Task<void> UpgradedRoomSettings::stop() {
    co_await tasks_.stop();
}

void UpgradedRoomSettings::note(Change change) {
    if (pending_.size() >= kPendingMax) {
        core::log_warning("rooms", "{} joins wait to be looked at for upgraded rooms: the oldest is dropped",
                          pending_.size());
        pending_.pop_front();
    }
    pending_.push_back(std::move(change));
    if (std::exchange(working_, true)) return;
    tasks_.spawn("settings_of_upgraded_rooms", [this] { return work(); });
}

Task<void> UpgradedRoomSettings::work() {
    // However it ends: the next change begins anew.
    const std::unique_ptr<bool, void (*)(bool*)> ended{&working_, [](bool* working) { *working = false; }};
    while (!pending_.empty()) {
        auto change = std::move(pending_.front());
        pending_.pop_front();
        co_await look_at(std::move(change));
    }
}

Task<void> UpgradedRoomSettings::look_at(Change change) {
    const auto room_id = change.room_id;
    std::string why;
    try {
        if (change.is_tombstone)
            co_await replaced(std::move(change.event_id));
        else
            co_await joined(std::move(change.event_id), std::move(change.room_id));
    } catch (const core::StoreError& error) {
        why = error.what();
    }
    if (!why.empty())
        core::log_warning("rooms", "settings are not taken along to or from {}: {}", room_id, why);
}

Task<std::optional<proto::RoomId>> UpgradedRoomSettings::predecessor_of(proto::RoomId room_id) {
    if (const auto found = predecessors_.find(room_id); found != predecessors_.end()) co_return found->second;
    const auto create = co_await states_.current_event(room_id, std::string{event_type::kCreate});
    auto out = predecessor_in(create);
    if (!create) co_return out;
    if (predecessors_.size() >= kPredecessorsMax) predecessors_.clear();
    predecessors_.insert_or_assign(std::move(room_id), out);
    co_return out;
}

/// Somebody has come into a room, which may be the new one.
Task<void> UpgradedRoomSettings::joined(proto::EventId event_id, proto::RoomId room_id) {
    const auto old_room = co_await predecessor_of(room_id);
    if (!old_room || !co_await replaces(room_id, *old_room)) co_return;
    const auto event = co_await events_.get_event(std::move(event_id));
    if (!event || !event->state_key() || event->membership() != "join") co_return;
    if (const auto before = proto::get_string(event->unsigned_data(), "replaces_state")) {
        const auto previous = co_await events_.get_event(proto::EventId::trusted(std::string{*before}));
        if (previous && previous->membership() == "join") co_return;
    }
    co_await take_along(*event->state_key(), *old_room, room_id);
}

/// A room has got its replacement, in which whoever made it is already.
Task<void> UpgradedRoomSettings::replaced(proto::EventId tombstone_id) {
    const auto tombstone = co_await events_.get_event(std::move(tombstone_id));
    if (!tombstone) co_return;
    const auto new_room = room_in(&tombstone->content(), "replacement_room");
    if (!new_room) co_return;
    if (co_await predecessor_of(*new_room) != tombstone->room_id()) co_return;
    for (auto& user_id : co_await states_.joined_local_users(*new_room, server_name_))
        co_await take_along(std::move(user_id), tombstone->room_id(), *new_room);
}

/// Anybody can name a predecessor; who replaces a room is said in the room itself.
Task<bool> UpgradedRoomSettings::replaces(proto::RoomId room_id, proto::RoomId old_room) {
    const auto tombstone =
        co_await states_.current_event(std::move(old_room), std::string{event_type::kTombstone});
    co_return tombstone && room_in(&tombstone->content(), "replacement_room") == room_id;
}

Task<void> UpgradedRoomSettings::take_along(std::string user_id, proto::RoomId old_room,
                                            proto::RoomId new_room) {
    // What one of them has too much of must not keep the others from theirs.
    try {
        if (writes_account_data_) {
            co_await take_tags(user_id, old_room.str(), new_room.str());
            co_await take_direct(user_id, old_room.str(), new_room.str());
        }
        if (writes_push_rules_) co_await take_push_rules(user_id, old_room.str(), new_room.str());
    } catch (const core::MatrixError& error) {
        core::log_warning("rooms", "settings of {} for {} are not taken to {}: {}", user_id, old_room,
                          new_room, error.what());
    }
}

Task<void> UpgradedRoomSettings::take_tags(std::string user_id, std::string old_room, std::string new_room) {
    const auto tags = co_await account_data_.tags(user_id);
    const auto found = tags->find(old_room);
    if (found == tags->end() || tags->contains(new_room)) co_return;
    for (const auto& [tag, content] : found->second)
        co_await account_data_.set_tag(user_id, new_room, tag, content);
}

Task<void> UpgradedRoomSettings::take_direct(std::string user_id, std::string old_room,
                                             std::string new_room) {
    const auto text = co_await account_data_.global_by_type(user_id, kDirectType);
    auto direct = proto::parse_json_object(text.value_or("{}"));
    if (!direct) co_return;
    bool changed = false;
    for (auto& entry : *direct) {
        auto* const rooms = entry.value().if_array();
        if (!rooms || !contains(*rooms, old_room) || contains(*rooms, new_room)) continue;
        rooms->emplace_back(new_room);
        changed = true;
    }
    if (changed) co_await account_data_.set_global(std::move(user_id), kDirectType, proto::to_json(*direct));
}

Task<void> UpgradedRoomSettings::take_push_rules(std::string user_id, std::string old_room,
                                                 std::string new_room) {
    const auto all = co_await push_rules_.all(user_id);
    const auto* const global = proto::get_object(all, "global");
    for (const auto kind : {PushRuleKind::kOverride, PushRuleKind::kRoom, PushRuleKind::kUnderride}) {
        const auto* const rules = global ? proto::get_array(*global, proto::to_string(kind)) : nullptr;
        if (!rules) continue;
        const auto is_named = [](std::string_view id) {
            return [id](const json::value& rule) {
                return rule.is_object() && proto::get_string(rule.get_object(), "rule_id") == id;
            };
        };
        if (std::ranges::any_of(*rules, is_named(new_room))) continue;
        for (const auto& item : *rules) {
            auto rule = item.is_object() ? rule_for_new_room(kind, item.get_object(), old_room, new_room)
                                         : std::nullopt;
            if (!rule) continue;
            const PushRuleName name{user_id, kind, rule->rule_id};
            co_await push_rules_.put(name, std::move(rule->body), std::nullopt, std::nullopt);
            if (!proto::get_bool(item.get_object(), "enabled").value_or(true))
                co_await push_rules_.set_enabled(name, false);
            break;
        }
    }
}

}  // namespace weft::handlers
