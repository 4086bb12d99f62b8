#include "state_resolution_v2.hpp"

#include <algorithm>
#include <limits>
#include <queue>
#include <unordered_set>

#include "auth_graph.hpp"
#include "weft/proto/auth_rules.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::proto {

namespace {

bool is_power_event(const Event& event) {
    if (event.is_state(event_type::kPowerLevels) || event.is_state(event_type::kJoinRules)) return true;
    if (event.type() != event_type::kMember || !event.state_key()) return false;
    const auto membership = event.membership().value_or("");
    return (membership == "leave" || membership == "ban") && event.sender().str() != *event.state_key();
}

struct Split {
    StateMap unconflicted;
    IdSet conflicted;
};

/// A key is unconflicted if every set has it, with the same value.
Split split(std::span<const StateMap> sets) {
    Split out;
    std::unordered_map<StateKey, std::pair<EventId, std::size_t>> agreed;  // value, in how many sets
    std::unordered_set<StateKey> disputed;
    for (const auto& set : sets) {
        for (const auto& [key, id] : set) {
            const auto [entry, is_new] = agreed.try_emplace(key, id, 0);
            if (entry->second.first == id) {
                ++entry->second.second;
            } else {
                disputed.insert(key);
            }
        }
    }
    for (const auto& [key, value] : agreed) {
        if (value.second == sets.size()) {
            out.unconflicted.emplace(key, value.first);
        } else {
            disputed.insert(key);
        }
    }
    for (const auto& set : sets) {
        for (const auto& [key, id] : set) {
            if (disputed.contains(key)) out.conflicted.insert(id);
        }
    }
    return out;
}

class ResolverV2 {
public:
    ResolverV2(const RoomVersion& version, const EventLoader& load) : version_{version}, graph_{load} {}

    StateMap run(std::span<const StateMap> sets) {
        auto [unconflicted, conflicted] = split(sets);
        if (conflicted.empty()) return std::move(unconflicted);

        const bool second_form = version_.state_resolution == StateResolution::kV2_1;
        IdSet full = graph_.auth_difference(sets);
        if (second_form) full.merge(graph_.conflicted_subgraph(conflicted));
        full.merge(conflicted);
        std::erase_if(full, [this](const EventId& id) { return !graph_.event(id); });

        const auto power_events = select_power_events(full);
        StateMap state = second_form ? StateMap{} : unconflicted;
        apply(sort_by_power(power_events), state);

        std::vector<EventPtr> others;
        for (const auto& id : full) {
            if (!power_events.contains(id)) others.push_back(graph_.event(id));
        }
        sort_by_mainline(others, state);
        apply(others, state);
        for (auto& [key, id] : unconflicted) state.insert_or_assign(key, id);
        return state;
    }

private:
    /// Power events, and what of the full conflicted set they build on.
    IdSet select_power_events(const IdSet& full) {
        IdSet selected;
        std::vector<EventId> pending;
        for (const auto& id : full) {
            if (is_power_event(*graph_.event(id))) pending.push_back(id);
        }
        while (!pending.empty()) {
            const EventId id = std::move(pending.back());
            pending.pop_back();
            if (!selected.insert(id).second) continue;
            // NOTSPEC: walks inside the set only, as Synapse does, although a chain could leave it and
            // come back: what counts is that all servers arrive at the same state.
            for (const auto& auth_id : graph_.event(id)->auth_events()) {
                if (full.contains(auth_id)) pending.push_back(auth_id);
            }
        }
        return selected;
    }

    /// The create event of the room, which events from version 12 on do not name.
    EventPtr implied_create(const Event& event) {
        if (!version_.room_id_is_create_hash) return nullptr;
        return graph_.event(EventId::trusted("$" + event.room_id().str().substr(1)));
    }

    std::int64_t sender_level(const Event& event) {
        EventPtr levels;
        EventPtr create = implied_create(event);
        for (const auto& id : event.auth_events()) {
            auto auth_event = graph_.event(id);
            if (!auth_event) continue;
            if (auth_event->is_state(event_type::kPowerLevels)) levels = auth_event;
            if (auth_event->is_state(event_type::kCreate)) create = auth_event;
        }
        return PowerLevels{std::move(levels), std::move(create), version_}.user_level(event.sender());
    }

    /// Reverse topological power ordering: Kahn's algorithm, always taking the smallest of the ready ones.
    std::vector<EventPtr> sort_by_power(const IdSet& ids) {
        struct Ready {
            std::int64_t level;
            EventPtr event;
            bool operator<(const Ready& other) const {  // std::priority_queue takes the greatest first
                if (level != other.level) return level < other.level;
                if (event->origin_server_ts() != other.event->origin_server_ts()) {
                    return event->origin_server_ts() > other.event->origin_server_ts();
                }
                return event->event_id() > other.event->event_id();
            }
        };
        std::unordered_map<EventId, std::vector<EventPtr>> dependants;
        std::unordered_map<EventId, std::size_t> waiting_for;
        std::priority_queue<Ready> ready;
        for (const auto& id : ids) {
            const auto event = graph_.event(id);
            IdSet needed;
            for (const auto& auth_id : event->auth_events()) {
                if (ids.contains(auth_id) && needed.insert(auth_id).second)
                    dependants[auth_id].push_back(event);
            }
            waiting_for[id] = needed.size();
            if (needed.empty()) ready.push({sender_level(*event), event});
        }
        std::vector<EventPtr> sorted;
        while (!ready.empty()) {
            const auto event = ready.top().event;
            ready.pop();
            sorted.push_back(event);
            for (const auto& dependant : dependants[event->event_id()]) {
                if (--waiting_for[dependant->event_id()] == 0)
                    ready.push({sender_level(*dependant), dependant});
            }
        }
        return sorted;
    }

    EventPtr power_levels_of(const Event& event) {
        for (const auto& id : event.auth_events()) {
            auto auth_event = graph_.event(id);
            if (auth_event && auth_event->is_state(event_type::kPowerLevels)) return auth_event;
        }
        return nullptr;
    }

    void sort_by_mainline(std::vector<EventPtr>& events, const StateMap& state) {
        static constexpr std::size_t kNotOnMainline = std::numeric_limits<std::size_t>::max();
        // From the power levels in force back to the first ones: position 0, 1, …
        std::unordered_map<EventId, std::size_t> mainline;
        const auto found = state.find(StateKey{std::string{event_type::kPowerLevels}, ""});
        auto levels = found == state.end() ? nullptr : graph_.event(found->second);
        while (levels && mainline.try_emplace(levels->event_id(), mainline.size()).second) {
            levels = power_levels_of(*levels);
        }
        std::unordered_map<EventId, std::size_t> positions;
        for (const auto& event : events) {
            std::size_t position = kNotOnMainline;
            IdSet visited;  // a hostile server's graph may hold a circle
            for (auto step = power_levels_of(*event); step && visited.insert(step->event_id()).second;
                 step = power_levels_of(*step)) {
                if (const auto on_mainline = mainline.find(step->event_id()); on_mainline != mainline.end()) {
                    position = on_mainline->second;
                    break;
                }
            }
            positions.emplace(event->event_id(), position);
        }
        std::ranges::sort(events, [&positions](const EventPtr& a, const EventPtr& b) {
            const auto position_a = positions.at(a->event_id());
            const auto position_b = positions.at(b->event_id());
            if (position_a != position_b) return position_a > position_b;
            if (a->origin_server_ts() != b->origin_server_ts())
                return a->origin_server_ts() < b->origin_server_ts();
            return a->event_id() < b->event_id();
        });
    }

    /// Iterative auth checks: what is allowed by the state so far becomes part of it.
    void apply(const std::vector<EventPtr>& events, StateMap& state) {
        for (const auto& event : events) {
            if (!event->is_state()) continue;
            AuthLookup lookup;
            for (const auto& id : event->auth_events()) {
                auto auth_event = graph_.event(id);
                if (auth_event && !auth_event->rejected()) lookup.add(std::move(auth_event));
            }
            for (const auto& key : auth_types_for_event(*event)) {
                if (const auto held = state.find(key); held != state.end())
                    lookup.add(graph_.event(held->second));
            }
            lookup.add(implied_create(*event));
            if (check_auth(*event, lookup, version_)) state.insert_or_assign(event->key(), event->event_id());
        }
    }

    const RoomVersion& version_;
    AuthGraph graph_;
};

}  // namespace

StateMap resolve_v2(const RoomVersion& version, std::span<const StateMap> sets, const EventLoader& load) {
    return ResolverV2{version, load}.run(sets);
}

}  // namespace weft::proto
