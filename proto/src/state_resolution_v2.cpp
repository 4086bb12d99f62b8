#include "state_resolution_v2.hpp"

#include <algorithm>
#include <limits>
#include <queue>

#include "event_graph.hpp"
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

class ResolverV2 {
public:
    ResolverV2(const RoomVersion& version, const StateLookup& agreed, const EventLoader& load)
        : version_{version}, agreed_{agreed}, graph_{load} {}

    StateMap run(const StateConflict& conflict) {
        IndexSet full;
        const auto add = [&](const EventId& id) {
            const auto index = graph_.intern(id);
            if (graph_.event(index)) full.insert(index);
        };
        for (const auto& [key, ids] : conflict.values) std::ranges::for_each(ids, add);
        std::ranges::for_each(conflict.replayed, add);

        const auto power_events = select_power_events(full);
        apply(sort_by_power(power_events));
        std::vector<EventIndex> others;
        for (const auto index : full.list()) {
            if (!power_events.contains(index)) others.push_back(index);
        }
        sort_by_mainline(others);
        apply(others);

        StateMap out;
        for (const auto& [key, index] : replayed_) {
            if (!agreed_(key)) out.emplace(key, graph_.id(index));
        }
        return out;
    }

private:
    /// What the state so far has at the key: from version 12 on it begins with nothing, before with what all
    /// agree on.
    std::optional<EventIndex> held(const StateKey& key) {
        if (const auto found = replayed_.find(key); found != replayed_.end()) return found->second;
        if (version_.state_resolution == StateResolution::kV2_1) return std::nullopt;
        const auto id = agreed_(key);
        return id ? std::optional{graph_.intern(*id)} : std::nullopt;
    }

    /// Power events, and what of the full conflicted set they build on.
    IndexSet select_power_events(const IndexSet& full) {
        IndexSet selected;
        for (const auto index : full.list()) {
            if (is_power_event(*graph_.event(index))) selected.insert(index);
        }
        for (std::size_t next = 0; next < selected.list().size(); ++next) {
            // NOTSPEC: walks inside the set only, as Synapse does, although a chain could leave it and
            // come back: what counts is that all servers arrive at the same state.
            for (const auto auth : graph_.auth_events(selected.list()[next])) {
                if (full.contains(auth)) selected.insert(auth);
            }
        }
        return selected;
    }

    /// The create event of the room, which events from version 12 on do not name.
    EventPtr implied_create(const Event& event) {
        if (!version_.room_id_is_create_hash) return nullptr;
        return graph_.event(graph_.intern(EventId::trusted("$" + event.room_id().str().substr(1))));
    }

    std::int64_t sender_level(EventIndex index) {
        const auto event = graph_.event(index);
        EventPtr levels;
        EventPtr create = implied_create(*event);
        for (const auto auth : graph_.auth_events(index)) {
            const auto auth_event = graph_.event(auth);
            if (!auth_event) continue;
            if (auth_event->is_state(event_type::kPowerLevels)) levels = auth_event;
            if (auth_event->is_state(event_type::kCreate)) create = auth_event;
        }
        return PowerLevels{std::move(levels), std::move(create), version_}.user_level(event->sender());
    }

    /// Reverse topological power ordering: Kahn's algorithm, always taking the smallest of the ready ones.
    std::vector<EventIndex> sort_by_power(const IndexSet& indexes) {
        struct Ready {
            std::int64_t level;
            EventPtr event;
            EventIndex index;
            bool operator<(const Ready& other) const {  // std::priority_queue takes the greatest first
                if (level != other.level) return level < other.level;
                if (event->origin_server_ts() != other.event->origin_server_ts()) {
                    return event->origin_server_ts() > other.event->origin_server_ts();
                }
                return event->event_id() > other.event->event_id();
            }
        };
        std::unordered_map<EventIndex, std::vector<EventIndex>> dependants;
        std::unordered_map<EventIndex, std::size_t> waiting_for;
        std::priority_queue<Ready> ready;
        for (const auto index : indexes.list()) {
            IndexSet needed;
            for (const auto auth : graph_.auth_events(index)) {
                if (indexes.contains(auth) && needed.insert(auth)) dependants[auth].push_back(index);
            }
            waiting_for[index] = needed.list().size();
            if (needed.empty()) ready.push({sender_level(index), graph_.event(index), index});
        }
        std::vector<EventIndex> sorted;
        while (!ready.empty()) {
            const auto index = ready.top().index;
            ready.pop();
            sorted.push_back(index);
            for (const auto dependant : dependants[index]) {
                if (--waiting_for[dependant] == 0)
                    ready.push({sender_level(dependant), graph_.event(dependant), dependant});
            }
        }
        return sorted;
    }

    std::optional<EventIndex> power_levels_of(EventIndex index) {
        for (const auto auth : graph_.auth_events(index)) {
            const auto& event = graph_.event(auth);
            if (event && event->is_state(event_type::kPowerLevels)) return auth;
        }
        return std::nullopt;
    }

    /// From the power levels in force back to the first ones: position 0, 1, … Goes back only as far as
    /// somebody asks.
    class Mainline {
    public:
        Mainline(ResolverV2& resolver, std::optional<EventIndex> newest)
            : resolver_{resolver}, next_{newest} {}

        std::optional<std::size_t> position(EventIndex index) {
            for (;;) {
                if (const auto found = positions_.find(index); found != positions_.end())
                    return found->second;
                if (!next_ || !resolver_.graph_.event(*next_)) return std::nullopt;
                const auto current = *next_;
                positions_.emplace(current, positions_.size());
                next_ = resolver_.power_levels_of(current);
                if (next_ && positions_.contains(*next_))
                    next_.reset();  // a hostile server's graph may hold a circle
            }
        }

    private:
        ResolverV2& resolver_;
        std::optional<EventIndex> next_;
        std::unordered_map<EventIndex, std::size_t> positions_;
    };

    void sort_by_mainline(std::vector<EventIndex>& events) {
        static constexpr std::size_t kNotOnMainline = std::numeric_limits<std::size_t>::max();
        Mainline mainline{*this, held(StateKey{event_type::kPowerLevels})};
        std::unordered_map<EventIndex, std::size_t> positions;
        for (const auto index : events) {
            std::size_t position = kNotOnMainline;
            IndexSet visited;
            for (auto step = power_levels_of(index); step && visited.insert(*step);
                 step = power_levels_of(*step)) {
                if (const auto found = mainline.position(*step)) {
                    position = *found;
                    break;
                }
            }
            positions.emplace(index, position);
        }
        std::ranges::sort(events, [&](EventIndex a, EventIndex b) {
            if (positions.at(a) != positions.at(b)) return positions.at(a) > positions.at(b);
            const auto& first = *graph_.event(a);
            const auto& second = *graph_.event(b);
            if (first.origin_server_ts() != second.origin_server_ts()) {
                return first.origin_server_ts() < second.origin_server_ts();
            }
            return first.event_id() < second.event_id();
        });
    }

    /// Iterative auth checks: what is allowed by the state so far becomes part of it.
    void apply(const std::vector<EventIndex>& events) {
        for (const auto index : events) {
            const auto event = graph_.event(index);
            if (!event->is_state()) continue;
            AuthLookup lookup;
            for (const auto auth : graph_.auth_events(index)) {
                const auto auth_event = graph_.event(auth);
                if (auth_event && !auth_event->rejected()) lookup.add(auth_event);
            }
            for (const auto& key : auth_types_for_event(*event)) {
                if (const auto in_force = held(key)) lookup.add(graph_.event(*in_force));
            }
            lookup.add(implied_create(*event));
            if (check_auth(*event, lookup, version_)) replayed_.insert_or_assign(event->key(), index);
        }
    }

    const RoomVersion& version_;
    const StateLookup& agreed_;
    EventGraph graph_;
    std::unordered_map<StateKey, EventIndex> replayed_;
};

}  // namespace

StateMap resolve_v2(const RoomVersion& version, const StateConflict& conflict, const StateLookup& agreed,
                    const EventLoader& load) {
    return ResolverV2{version, agreed, load}.run(conflict);
}

}  // namespace weft::proto
