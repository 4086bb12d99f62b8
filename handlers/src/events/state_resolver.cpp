#include "weft/handlers/state_resolver.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <unordered_set>

#include <fmt/ranges.h>

#include "weft/core/log.hpp"
#include "weft/proto/auth_rules.hpp"

namespace weft::handlers {
namespace {

using proto::EventId;
using proto::StateKey;
using proto::StateMap;

constexpr std::size_t kResultsMax = 10'000;
/// Rooms that have a metric of their own: the first that took longer than a second in all.
constexpr std::size_t kRoomsWithMetricMax = 20;
constexpr double kSecondsWithoutMetric = 1.0;
constexpr std::size_t kRoomsCountedMax = 10'000;
/// Old power levels that are read together when the mainline is followed beyond those in use.
constexpr std::size_t kMainlinePage = 100;

std::vector<EventId> auth_events_of(const std::unordered_map<EventId, proto::EventPtr>& events) {
    std::vector<EventId> out;
    for (const auto& [id, event] : events) {
        if (event) out.insert(out.end(), event->auth_events().begin(), event->auth_events().end());
    }
    return out;
}

}  // namespace

/// What a resolution has read so far.
struct StateResolver::Knowledge {
    std::unordered_map<EventId, proto::EventPtr> events;          // null: there is no such event
    std::unordered_map<StateKey, std::optional<EventId>> agreed;  // keys that all states agree on
};

/// What a run of the resolution came to: its result, unless something was missing.
struct StateResolver::Outcome {
    StateMap values;
    std::vector<EventId> missing_events;
    std::vector<StateKey> missing_keys;
    bool is_complete() const { return missing_events.empty() && missing_keys.empty(); }
};

StateResolver::StateResolver(storage::EventsStore& events, storage::StateStore& states,
                             storage::AuthChains& chains, core::CpuPool& cpu, asio::any_io_executor executor)
    : events_{events},
      states_{states},
      chains_{chains},
      cpu_{cpu},
      results_{"resolved_states", kResultsMax, std::move(executor)},
      seconds_{core::histogram("weft_state_resolution_seconds",
                               "Resolution of the states of a room's forks, with what it reads")} {}

Task<ResolvedStatePtr> StateResolver::resolve(proto::RoomId room_id, const proto::RoomVersion& version,
                                              std::vector<std::int64_t> groups) {
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    if (groups.size() == 1)
        co_return std::make_shared<const ResolvedState>(ResolvedState{groups.front(), {}});
    std::function<Task<ResolvedState>(std::string)> load = [this, &room_id, &version, &groups](std::string) {
        return compute(room_id, version, groups);
    };
    co_return co_await results_.get(fmt::format("{}", fmt::join(groups, " ")), std::move(load));
}

Task<storage::StateMapPtr> StateResolver::whole_state(ResolvedStatePtr resolved) {
    if (!resolved->base)
        co_return std::make_shared<const StateMap>(resolved->rows.begin(), resolved->rows.end());
    const auto base = co_await states_.group(*resolved->base);
    if (resolved->rows.empty()) co_return base;
    auto state = std::make_shared<StateMap>(*base);
    for (const auto& [key, event_id] : resolved->rows) state->insert_or_assign(key, event_id);
    co_return state;
}

Task<ResolvedState> StateResolver::compute(proto::RoomId room_id, const proto::RoomVersion& version,
                                           std::vector<std::int64_t> groups) {
    const auto started = std::chrono::steady_clock::now();
    const auto states = co_await states_.difference(groups);
    proto::StateConflict conflict;
    std::vector<std::vector<EventId>> conflicted;
    for (const auto& state : states) {
        auto& events = conflicted.emplace_back();
        for (const auto& [key, event_id] : state) {
            events.push_back(event_id);
            auto& values = conflict.values[key];
            if (std::find(values.begin(), values.end(), event_id) == values.end()) values.push_back(event_id);
        }
    }
    const auto disputed = conflict.values.size();
    if (disputed == 0) co_return ResolvedState{groups.front(), {}};
    const auto resolved = co_await resolve_conflict(room_id, version, groups.front(), std::move(conflicted),
                                                    std::move(conflict));

    // The group that differs least; a difference cannot take a key away.
    ResolvedState out;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const bool loses_key = std::any_of(states[i].begin(), states[i].end(),
                                           [&](const auto& held) { return !resolved.contains(held.first); });
        if (loses_key) continue;
        std::vector<std::pair<StateKey, EventId>> rows;
        for (const auto& [key, event_id] : resolved) {
            const auto held = states[i].find(key);
            if (held == states[i].end() || held->second != event_id) rows.emplace_back(key, event_id);
        }
        if (!out.base || rows.size() < out.rows.size()) out = ResolvedState{groups[i], std::move(rows)};
    }
    if (!out.base) {
        auto whole = StateMap{*co_await states_.group(groups.front())};
        for (const auto& [key, event_id] : states.front()) whole.erase(key);
        for (const auto& [key, event_id] : resolved) whole.insert_or_assign(key, event_id);
        out.rows.assign(whole.begin(), whole.end());
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    count_time(room_id.str(), took.count());
    core::log_info("handlers.state", "room {}: {} states with {} keys in conflict resolved in {:.1f} ms",
                   room_id, groups.size(), disputed, took.count() * 1000);
    co_return out;
}

/// Runs the resolution on the CPU pool until nothing is missing for it. What it needs is known beforehand,
/// but for rare cases such as power levels from long ago.
Task<StateMap> StateResolver::resolve_conflict(proto::RoomId room_id, const proto::RoomVersion& version,
                                               std::int64_t group,
                                               std::vector<std::vector<EventId>> conflicted,
                                               proto::StateConflict conflict) {
    Knowledge known;
    co_await replay_set(room_id, version, group, std::move(conflicted), conflict, known);
    for (;;) {
        const auto outcome = co_await cpu_.run([&version, &conflict, &known] {
            Outcome out;
            std::unordered_set<EventId> missing_events;
            std::unordered_set<StateKey> missing_keys;
            const proto::StateLookup agreed = [&](const StateKey& key) -> std::optional<EventId> {
                if (conflict.values.contains(key)) return std::nullopt;
                const auto found = known.agreed.find(key);
                if (found != known.agreed.end()) return found->second;
                missing_keys.insert(key);
                return std::nullopt;
            };
            const proto::EventLoader load = [&](const EventId& id) -> proto::EventPtr {
                const auto found = known.events.find(id);
                if (found != known.events.end()) return found->second;
                missing_events.insert(id);
                return nullptr;
            };
            out.values = proto::resolve_conflict(version, conflict, agreed, load);
            out.missing_events.assign(missing_events.begin(), missing_events.end());
            out.missing_keys.assign(missing_keys.begin(), missing_keys.end());
            return out;
        });
        if (outcome.is_complete()) co_return outcome.values;
        if (!outcome.missing_keys.empty()) co_await load_keys(group, outcome.missing_keys, known);
        if (!outcome.missing_events.empty()) {
            auto wanted = co_await chains_.power_levels_before(outcome.missing_events, kMainlinePage);
            wanted.insert(wanted.end(), outcome.missing_events.begin(), outcome.missing_events.end());
            co_await load_events(std::move(wanted), known);
        }
    }
}

/// Completes the conflict by the events that are to be replayed, and reads what they will be judged by.
Task<void> StateResolver::replay_set(proto::RoomId room_id, const proto::RoomVersion& version,
                                     std::int64_t group, std::vector<std::vector<EventId>> conflicted,
                                     proto::StateConflict& conflict, Knowledge& known) {
    std::vector<EventId> wanted;
    for (const auto& events : conflicted) wanted.insert(wanted.end(), events.begin(), events.end());
    if (version.state_resolution != proto::StateResolution::kV1) {
        storage::AuthChains::Question question;
        question.conflicted = std::move(conflicted);
        question.with_subgraph = version.state_resolution == proto::StateResolution::kV2_1;
        question.agreed = [this, group,
                           &conflict](std::vector<EventId> ids) -> Task<std::unordered_set<EventId>> {
            std::unordered_set<EventId> out;
            for (auto& held : co_await states_.holders(group, std::move(ids))) {
                if (held.holder == held.event_id && !conflict.values.contains(held.key))
                    out.insert(std::move(held.event_id));
            }
            co_return out;
        };
        auto answer = co_await chains_.compare(std::move(question));
        conflict.replayed = std::move(answer.difference);
        conflict.replayed.insert(conflict.replayed.end(), answer.subgraph.begin(), answer.subgraph.end());
        wanted.insert(wanted.end(), conflict.replayed.begin(), conflict.replayed.end());
    }
    co_await load_events(std::move(wanted), known);

    std::vector<StateKey> keys;
    for (const auto& [id, event] : known.events) {
        if (!event) continue;
        for (auto& key : proto::auth_types_for_event(*event)) {
            if (!conflict.values.contains(key)) keys.push_back(std::move(key));
        }
    }
    auto judges = auth_events_of(known.events);
    co_await load_keys(group, std::move(keys), known);
    for (const auto& [key, id] : known.agreed) {
        if (id) judges.push_back(*id);
    }
    if (version.room_id_is_create_hash) judges.push_back(EventId::trusted("$" + room_id.str().substr(1)));
    co_await load_events(std::move(judges), known);
}

Task<void> StateResolver::load_events(std::vector<EventId> ids, Knowledge& known) {
    std::erase_if(ids, [&](const EventId& id) { return known.events.contains(id); });
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    if (ids.empty()) co_return;
    const auto events = co_await events_.get_events_to_judge(ids);
    for (const auto& id : ids) known.events.emplace(id, nullptr);
    for (const auto& event : events) known.events[event->event_id()] = event;
}

Task<void> StateResolver::load_keys(std::int64_t group, std::vector<StateKey> keys, Knowledge& known) {
    std::erase_if(keys, [&](const StateKey& key) { return known.agreed.contains(key); });
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    if (keys.empty()) co_return;
    const auto held = co_await states_.keys_of_group(group, keys);
    for (auto& key : keys) {
        const auto found = held.find(key);
        known.agreed.emplace(std::move(key),
                             found == held.end() ? std::nullopt : std::optional{found->second});
    }
}

void StateResolver::count_time(const std::string& room_id, double seconds) {
    constexpr auto kName = "weft_state_resolution_room_seconds_total";
    constexpr auto kHelp = "Time in state resolution of the rooms that took most, and of all others";
    seconds_.observe(seconds);
    if (seconds_by_room_.size() >= kRoomsCountedMax && !seconds_by_room_.contains(room_id)) {
        std::erase_if(seconds_by_room_, [](const auto& room) { return room.second < kSecondsWithoutMetric; });
    }
    auto& total = seconds_by_room_[room_id];
    total += seconds;
    const auto costly = std::count_if(seconds_by_room_.begin(), seconds_by_room_.end(),
                                      [](const auto& room) { return room.second >= kSecondsWithoutMetric; });
    const bool has_metric =
        total >= kSecondsWithoutMetric && static_cast<std::size_t>(costly) <= kRoomsWithMetricMax;
    core::counter(kName, kHelp, {{"room", has_metric ? room_id : "other"}}).increment(seconds);
}

double StateResolver::seconds_of(const std::string& room_id) const {
    const auto found = seconds_by_room_.find(room_id);
    return found == seconds_by_room_.end() ? 0 : found->second;
}

}  // namespace weft::handlers
