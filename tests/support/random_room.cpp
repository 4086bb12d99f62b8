#include "random_room.hpp"

#include "weft/proto/auth_rules.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/state_resolution.hpp"

namespace weft::test {

namespace json = boost::json;
using proto::EventId;
using proto::EventPtr;
using proto::StateKey;
using proto::StateMap;
namespace event_type = proto::event_type;

namespace {

constexpr std::size_t kTipsMax = 5;
/// Few distinct times, so that ties are broken by the IDs, too.
constexpr int kTimes = 50;

}  // namespace

RandomRoom::RandomRoom(const proto::RoomVersion& of_version, std::uint32_t seed, Options options)
    : version{of_version},
      room_id{proto::RoomId::trusted(of_version.room_id_is_create_hash ? "!" + options.name + "_0"
                                                                       : "!" + options.name + ":test")},
      options_{std::move(options)},
      random_{seed} {
    begin();
    for (int n = 0; n < options_.steps; ++n) step();
}

EventPtr RandomRoom::load(const EventId& id) const {
    const auto found = events.find(id);
    return found == events.end() ? nullptr : found->second;
}

std::vector<StateMap> RandomRoom::some_states(std::size_t count) {
    std::vector<StateMap> out;
    for (const auto& tip : tips) {
        if (out.size() < count && pick(3) > 0) out.push_back(tip.state);
    }
    while (out.size() < count)
        out.push_back(history[static_cast<std::size_t>(pick(static_cast<int>(history.size())))]);
    return out;
}

EventPtr RandomRoom::make(const Tip& tip, const StateMap& auth_state, const std::string& sender,
                          const std::string& type, const std::string& state_key, json::object content) {
    json::array auth;
    for (const auto& key : proto::auth_types_for_event(type, sender, state_key, content, version)) {
        if (const auto found = auth_state.find(key); found != auth_state.end())
            auth.push_back(json::string{found->second.str()});
    }
    json::array prev;
    if (!tip.event_id.str().empty()) prev.push_back(json::string{tip.event_id.str()});
    if (!version.event_ids_are_hashes()) {
        for (auto* list : {&auth, &prev}) {
            for (auto& id : *list) id = json::array{id, json::object{}};
        }
    }
    const auto id = EventId::trusted("$" + options_.name + "_" + std::to_string(next_id_++) +
                                     (version.event_ids_are_hashes() ? "" : ":test"));
    json::object pdu{{"type", type},
                     {"state_key", state_key},
                     {"sender", sender},
                     {"content", std::move(content)},
                     {"auth_events", std::move(auth)},
                     {"prev_events", std::move(prev)},
                     {"depth", tip.depth + 1},
                     {"origin_server_ts", pick(kTimes)},
                     {"unsigned", json::object{}}};
    if (type != event_type::kCreate || !version.room_id_is_create_hash) pdu["room_id"] = room_id.str();
    if (!version.event_ids_are_hashes()) pdu["event_id"] = id.str();
    auto text = proto::to_json(pdu);
    auto event = proto::Event::from_database(id, std::move(text), "{}", version).value();
    proto::AuthLookup lookup;
    for (const auto& [key, held] : tip.state) lookup.add(load(held));
    return proto::check_auth(*event, lookup, version) ? event : nullptr;
}

void RandomRoom::put(std::size_t tip, const EventPtr& event) {
    if (!event) return;
    events.emplace(event->event_id(), event);
    order.push_back(event);
    auto& at = tips[tip];
    at.state.insert_or_assign(event->key(), event->event_id());
    at.event_id = event->event_id();
    at.depth = event->depth();
    history.push_back(at.state);
}

json::object RandomRoom::random_levels() {
    json::object users;
    if (!version.privileged_creators) users[user(0)] = 100;
    for (int n = 1; n < options_.users; ++n) {
        if (pick(2) == 0) users[user(n)] = pick(3) * 50;
    }
    return {{"users", std::move(users)}, {"state_default", 50}, {"kick", 50}, {"ban", 50}, {"invite", 0}};
}

void RandomRoom::begin() {
    tips.push_back({EventId::trusted(""), {}, 0});
    const auto alice = user(0);
    json::object create{{"room_version", version.id}};
    if (!version.implicit_creator) create["creator"] = alice;
    const auto send = [&](std::string_view type, const std::string& state_key, json::object content) {
        put(0, make(tips[0], tips[0].state, alice, std::string{type}, state_key, std::move(content)));
    };
    send(event_type::kCreate, "", std::move(create));
    send(event_type::kMember, alice, {{"membership", "join"}});
    send(event_type::kPowerLevels, "", random_levels());
    send(event_type::kJoinRules, "", {{"join_rule", "public"}});
}

void RandomRoom::step() {
    const auto tip = static_cast<std::size_t>(pick(static_cast<int>(tips.size())));
    switch (pick(8)) {
        case 0:
            if (tips.size() < kTipsMax) tips.push_back(Tip{tips[tip]});
            break;
        case 1:
            if (tips.size() > 1) merge();
            break;
        default:
            random_event(tip);
    }
}

/// The last tip is merged into the first: the next event there has the resolved state before it.
void RandomRoom::merge() {
    const std::vector<StateMap> sets{tips.front().state, tips.back().state};
    tips.front().state = proto::resolve(version, sets, [this](const EventId& id) { return load(id); });
    tips.front().depth = std::max(tips.front().depth, tips.back().depth);
    tips.pop_back();
    history.push_back(tips.front().state);
}

void RandomRoom::random_event(std::size_t tip) {
    const auto sender = user(pick(options_.users));
    const auto target = user(pick(options_.users));
    // Now and then a server authorizes its event by what it knows of another branch.
    const auto& auth_state = pick(6) == 0
                                 ? history[static_cast<std::size_t>(pick(static_cast<int>(history.size())))]
                                 : tips[tip].state;
    const StateMap chosen = auth_state;
    const auto send = [&](std::string_view type, const std::string& state_key, json::object content) {
        put(tip, make(tips[tip], chosen, sender, std::string{type}, state_key, std::move(content)));
    };
    switch (pick(12)) {
        case 0:
        case 1:
        case 2:
        case 3:
            return send(event_type::kMember, sender,
                        {{"membership", "join"}, {"displayname", std::to_string(pick(100))}});
        case 4:
            return send(event_type::kMember, sender, {{"membership", "leave"}});
        case 5:
            return send(event_type::kMember, target, {{"membership", "invite"}});
        case 6:
            return send(event_type::kMember, target, {{"membership", "leave"}});
        case 7:
            return send(event_type::kMember, target, {{"membership", "ban"}});
        case 8:
            return send(event_type::kPowerLevels, "", random_levels());
        case 9:
            return send(event_type::kJoinRules, "", {{"join_rule", pick(2) == 0 ? "public" : "invite"}});
        case 10:
            return send(event_type::kName, "", {{"name", std::to_string(pick(100))}});
        default:
            return send(event_type::kTopic, "", {{"topic", std::to_string(pick(100))}});
    }
}

}  // namespace weft::test
