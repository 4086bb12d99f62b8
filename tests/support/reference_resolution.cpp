#include "reference_resolution.hpp"

#include <openssl/sha.h>

#include <algorithm>

#include "weft/proto/auth_rules.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::test {

using namespace weft::proto;

namespace {

using Keys = std::set<StateKey>;

Keys keys_of(const std::vector<StateMap>& sets) {
    Keys keys;
    for (const auto& set : sets) {
        for (const auto& [key, id] : set) keys.insert(key);
    }
    return keys;
}

/// The different values of the key; the second: all states have it.
std::pair<std::set<EventId>, bool> values_of(const std::vector<StateMap>& sets, const StateKey& key) {
    std::set<EventId> values;
    bool in_all = true;
    for (const auto& set : sets) {
        const auto found = set.find(key);
        if (found == set.end()) {
            in_all = false;
        } else {
            values.insert(found->second);
        }
    }
    return {values, in_all};
}

StateMap unconflicted(const std::vector<StateMap>& sets) {
    StateMap out;
    for (const auto& key : keys_of(sets)) {
        const auto [values, in_all] = values_of(sets, key);
        if (values.size() == 1 && in_all) out.emplace(key, *values.begin());
    }
    return out;
}

std::string sha1(const std::string& text) {
    unsigned char out[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out);
    return {reinterpret_cast<char*>(out), sizeof out};
}

}  // namespace

StateMap ReferenceResolution::resolve(const std::vector<StateMap>& sets) const {
    return version_.state_resolution == StateResolution::kV1 ? resolve_v1(sets) : resolve_v2(sets);
}

std::set<EventId> ReferenceResolution::auth_chain(const EventId& id) const {
    Ids chain;
    const auto event = load_(id);
    if (!event) return chain;
    std::vector<EventId> open = event->auth_events();
    while (!open.empty()) {
        const auto next = open.back();
        open.pop_back();
        if (!chain.insert(next).second) continue;
        if (const auto found = load_(next))
            open.insert(open.end(), found->auth_events().begin(), found->auth_events().end());
    }
    return chain;
}

std::set<EventId> ReferenceResolution::conflicted(const std::vector<StateMap>& sets) const {
    Ids out;
    for (const auto& key : keys_of(sets)) {
        const auto [values, in_all] = values_of(sets, key);
        if (values.size() > 1 || !in_all) out.insert(values.begin(), values.end());
    }
    return out;
}

std::set<EventId> ReferenceResolution::auth_difference(const std::vector<StateMap>& sets) const {
    std::vector<Ids> full;
    Ids all;
    for (const auto& set : sets) {
        auto& chain = full.emplace_back();
        for (const auto& [key, id] : set) {
            // The event itself counts as part of its chain here, as in every implementation that rooms are
            // shared with.
            chain.insert(id);
            chain.merge(auth_chain(id));
        }
        all.insert(chain.begin(), chain.end());
    }
    Ids difference;
    for (const auto& id : all) {
        if (std::any_of(full.begin(), full.end(), [&](const Ids& chain) { return !chain.contains(id); }))
            difference.insert(id);
    }
    return difference;
}

std::set<EventId> ReferenceResolution::conflicted_subgraph(const std::vector<StateMap>& sets) const {
    const auto ends = conflicted(sets);
    Ids candidates = ends;
    for (const auto& id : ends) candidates.merge(auth_chain(id));
    Ids out;
    for (const auto& id : candidates) {
        const auto below = auth_chain(id);
        const bool reaches_one =
            ends.contains(id) ||
            std::any_of(ends.begin(), ends.end(), [&](const auto& end) { return below.contains(end); });
        if (reaches_one) out.insert(id);
    }
    return out;
}

bool ReferenceResolution::is_allowed(const Event& event, const StateMap& state,
                                     bool with_own_auth_events) const {
    AuthLookup lookup;
    if (with_own_auth_events) {
        for (const auto& id : event.auth_events()) {
            if (const auto found = load_(id); found && !found->rejected()) lookup.add(found);
        }
    }
    for (const auto& key : auth_types_for_event(event)) {
        if (const auto found = state.find(key); found != state.end()) lookup.add(load_(found->second));
    }
    if (version_.room_id_is_create_hash)
        lookup.add(load_(EventId::trusted("$" + event.room_id().str().substr(1))));
    return check_auth(event, lookup, version_).allowed();
}

StateMap ReferenceResolution::resolve_v1(const std::vector<StateMap>& sets) const {
    StateMap resolved;
    std::map<StateKey, std::vector<EventPtr>> conflicts;
    for (const auto& key : keys_of(sets)) {
        const auto values = values_of(sets, key).first;
        if (values.size() == 1) {
            resolved.emplace(key, *values.begin());
            continue;
        }
        auto& events = conflicts[key];
        for (const auto& id : values) {
            if (const auto event = load_(id)) events.push_back(event);
        }
        std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) {
            if (a->depth() != b->depth()) return a->depth() < b->depth();
            return sha1(a->event_id().str()) > sha1(b->event_id().str());
        });
    }
    for (const auto* type : {"m.room.power_levels", "m.room.join_rules", "m.room.member"}) {
        StateMap done;
        for (const auto& [key, events] : conflicts) {
            if (key.type() != type || events.empty()) continue;
            auto state = resolved;
            auto last = events.front();
            state.insert_or_assign(key, last->event_id());
            for (std::size_t i = 1; i < events.size() && is_allowed(*events[i], state, false); ++i) {
                last = events[i];
                state.insert_or_assign(key, last->event_id());
            }
            resolved.insert_or_assign(key, last->event_id());
        }
    }
    for (const auto& [key, events] : conflicts) {
        if (events.empty() || resolved.contains(key)) continue;
        const auto best = std::find_if(events.rbegin(), events.rend(), [&](const auto& event) {
            return is_allowed(*event, resolved, false);
        });
        resolved.emplace(key, (best == events.rend() ? events.front() : *best)->event_id());
    }
    return resolved;
}

StateMap ReferenceResolution::resolve_v2(const std::vector<StateMap>& sets) const {
    const bool is_second_form = version_.state_resolution == StateResolution::kV2_1;
    const auto agreed = unconflicted(sets);
    Ids full = conflicted(sets);
    full.merge(auth_difference(sets));
    if (is_second_form) full.merge(conflicted_subgraph(sets));
    std::erase_if(full, [&](const auto& id) { return !load_(id); });

    Ids power_events;
    for (const auto& id : full) {
        const auto event = load_(id);
        const auto membership = event->membership().value_or("");
        const bool is_removal = event->type() == event_type::kMember && event->is_state() &&
                                (membership == "leave" || membership == "ban") &&
                                event->sender().str() != *event->state_key();
        if (event->is_state(event_type::kPowerLevels) || event->is_state(event_type::kJoinRules) ||
            is_removal)
            power_events.insert(id);
    }
    for (bool grows = true; grows;) {
        grows = false;
        for (const auto& id : Ids{power_events}) {
            for (const auto& auth : load_(id)->auth_events()) {
                if (full.contains(auth)) grows = power_events.insert(auth).second || grows;
            }
        }
    }
    StateMap state = is_second_form ? StateMap{} : agreed;
    apply(reverse_topological_power_order(power_events), state);
    Ids others;
    std::set_difference(full.begin(), full.end(), power_events.begin(), power_events.end(),
                        std::inserter(others, others.end()));
    apply(mainline_order(others, state), state);
    for (const auto& [key, id] : agreed) state.insert_or_assign(key, id);
    return state;
}

EventPtr ReferenceResolution::levels_of(const Event& event) const {
    for (const auto& id : event.auth_events()) {
        const auto found = load_(id);
        if (found && found->is_state(event_type::kPowerLevels)) return found;
    }
    return nullptr;
}

std::int64_t ReferenceResolution::power_of_sender(const Event& event) const {
    EventPtr create;
    if (version_.room_id_is_create_hash)
        create = load_(EventId::trusted("$" + event.room_id().str().substr(1)));
    for (const auto& id : event.auth_events()) {
        const auto found = load_(id);
        if (found && found->is_state(event_type::kCreate)) create = found;
    }
    return PowerLevels{levels_of(event), create, version_}.user_level(event.sender());
}

/// Of all events that name none of those left, the one by the sender with the greatest power, then the
/// earliest, then the one with the smallest ID: again and again.
std::vector<EventPtr> ReferenceResolution::reverse_topological_power_order(const Ids& ids) const {
    std::vector<EventPtr> out;
    Ids left = ids;
    while (!left.empty()) {
        std::vector<EventPtr> ready;
        for (const auto& id : left) {
            const auto event = load_(id);
            const auto& auth = event->auth_events();
            if (std::none_of(auth.begin(), auth.end(), [&](const auto& one) { return left.contains(one); }))
                ready.push_back(event);
        }
        const auto first = std::min_element(ready.begin(), ready.end(), [&](const auto& a, const auto& b) {
            return std::tuple{-power_of_sender(*a), a->origin_server_ts(), a->event_id()} <
                   std::tuple{-power_of_sender(*b), b->origin_server_ts(), b->event_id()};
        });
        if (first == ready.end()) break;  // a circle
        out.push_back(*first);
        left.erase((*first)->event_id());
    }
    return out;
}

std::vector<EventPtr> ReferenceResolution::mainline_order(const Ids& ids, const StateMap& state) const {
    std::vector<EventId> mainline;
    const auto held = state.find(StateKey{"m.room.power_levels", ""});
    for (auto levels = held == state.end() ? nullptr : load_(held->second); levels;
         levels = levels_of(*levels)) {
        mainline.push_back(levels->event_id());
    }
    const auto position = [&](const Event& event) {
        for (auto levels = levels_of(event); levels; levels = levels_of(*levels)) {
            const auto found = std::find(mainline.begin(), mainline.end(), levels->event_id());
            if (found != mainline.end()) return found - mainline.begin();
        }
        return std::numeric_limits<std::ptrdiff_t>::max();
    };
    std::vector<EventPtr> out;
    for (const auto& id : ids) out.push_back(load_(id));
    std::sort(out.begin(), out.end(), [&](const auto& a, const auto& b) {
        return std::tuple{-position(*a), a->origin_server_ts(), a->event_id()} <
               std::tuple{-position(*b), b->origin_server_ts(), b->event_id()};
    });
    return out;
}

void ReferenceResolution::apply(const std::vector<EventPtr>& events, StateMap& state) const {
    for (const auto& event : events) {
        if (event->is_state() && is_allowed(*event, state, true))
            state.insert_or_assign(event->key(), event->event_id());
    }
}

}  // namespace weft::test
