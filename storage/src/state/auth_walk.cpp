#include "state/auth_walk.hpp"

#include <algorithm>
#include <limits>

#include "state/event_texts.hpp"

namespace weft::storage {
namespace {

using Ids = AuthChains::Ids;

/// More descendants than this are not read at once, but step by step, not going beyond what all states have.
constexpr std::size_t kDescendantsMax = 2'000;

constexpr Sql kAuthEvents{"auth_events_of",
                          "SELECT a.event_id, a.auth_id, COALESCE(e.depth, 0) FROM event_auth a LEFT JOIN "
                          "events e ON e.event_id = a.auth_id "
                          "WHERE a.event_id = ANY($1::text[])"};
// OFFSET 0 keeps the planner from reading the whole table: it cannot know how few rows a recursion finds.
constexpr Sql kDescendants{
    "auth_descendants",
    "WITH RECURSIVE found(event_id, auth_id) AS (SELECT event_id, auth_id FROM event_auth WHERE auth_id = "
    "ANY($1::text[]) UNION SELECT a.event_id, a.auth_id FROM found f CROSS JOIN LATERAL "
    "(SELECT event_id, auth_id FROM event_auth WHERE auth_id = f.event_id OFFSET 0) a) "
    "SELECT event_id, auth_id FROM found LIMIT $2"};
constexpr Sql kNamedBy{"events_naming",
                       "SELECT event_id, auth_id FROM event_auth WHERE auth_id = ANY($1::text[])"};

bool is_full(const std::vector<bool>& states) {
    return std::find(states.begin(), states.end(), false) == states.end();
}

/// True if `into` grows.
bool unite(std::vector<bool>& into, const std::vector<bool>& from) {
    bool grew = false;
    for (std::size_t i = 0; i < into.size(); ++i) {
        if (!from[i] || into[i]) continue;
        into[i] = true;
        grew = true;
    }
    return grew;
}

proto::EventId id_of(const Field& field) {
    return proto::EventId::trusted(field.str());
}

}  // namespace

Ids all_of(const std::vector<Ids>& lists) {
    Ids out;
    std::unordered_set<proto::EventId> seen;
    for (const auto& list : lists) {
        for (const auto& id : list) {
            if (seen.insert(id).second) out.push_back(id);
        }
    }
    return out;
}

std::unordered_map<proto::EventId, AuthWalk::States> AuthWalk::states_of_conflicted() const {
    std::unordered_map<proto::EventId, States> out;
    const auto count = question_.conflicted.size();
    for (std::size_t state = 0; state < count; ++state) {
        for (const auto& id : question_.conflicted[state])
            out.try_emplace(id, States(count, false)).first->second[state] = true;
    }
    return out;
}

AuthWalk::Graph AuthWalk::start() const {
    Graph graph;
    for (auto& [id, states] : states_of_conflicted())
        graph[id] = Node{states, std::numeric_limits<std::int64_t>::max(), false, false, {}};
    return graph;
}

Task<void> AuthWalk::expand(Graph& graph, const Ids& frontier) {
    const auto count = question_.conflicted.size();
    const auto rows = co_await db_.query(kAuthEvents, texts(frontier));
    for (const auto& id : frontier) graph.at(id).is_expanded = true;
    Ids added;
    for (const auto row : rows) {
        const auto auth_id = id_of(row[1]);
        graph.at(id_of(row[0])).auth_events.push_back(auth_id);
        const auto [entry, is_new] =
            graph.try_emplace(auth_id, Node{States(count, false), row[2].i64(), false, false, {}});
        if (is_new) added.push_back(auth_id);
    }
    if (!added.empty()) {
        for (const auto& id : co_await question_.agreed(std::move(added))) {
            auto& node = graph.at(id);
            node.is_agreed = true;
            node.states.assign(count, true);
        }
    }
    // What an event is part of, all that it builds on is part of.
    Ids open = frontier;
    while (!open.empty()) {
        const auto id = open.back();
        open.pop_back();
        const auto& node = graph.at(id);
        for (const auto& auth_id : node.auth_events) {
            auto& auth = graph.at(auth_id);
            if (unite(auth.states, node.states)) open.push_back(auth_id);
        }
    }
}

/// What is in some chains only has to be followed, and what is in all of them as far as it may still lead to
/// such.
Ids AuthWalk::next_frontier(const Graph& graph) const {
    auto lowest = std::numeric_limits<std::int64_t>::max();
    for (const auto& [id, node] : graph) {
        if (!is_full(node.states)) lowest = std::min(lowest, node.depth);
    }
    Ids frontier;
    bool is_open = false;
    for (const auto& [id, node] : graph) {
        if (node.is_expanded || node.is_agreed) continue;
        const bool is_met = is_full(node.states);
        if (is_met && node.depth <= lowest) continue;
        is_open = is_open || !is_met;
        frontier.push_back(id);
    }
    return is_open ? frontier : Ids{};
}

Task<AuthWalk::IdSet> AuthWalk::candidates() {
    auto graph = start();
    for (auto frontier = next_frontier(graph); !frontier.empty(); frontier = next_frontier(graph))
        co_await expand(graph, frontier);
    IdSet out;
    for (const auto& [id, node] : graph) {
        if (!is_full(node.states)) out.insert(id);
    }
    co_return out;
}

/// All edges between the events and what builds on them, directly or not. What builds on agreed events is
/// left out where there is very much.
Task<std::vector<AuthWalk::Edge>> AuthWalk::descendants(IdSet of) {
    std::vector<Edge> edges;
    for (const auto row : co_await db_.query(kDescendants, texts(of), kDescendantsMax + 1))
        edges.push_back({id_of(row[0]), id_of(row[1])});
    if (edges.size() <= kDescendantsMax) co_return edges;
    edges.clear();
    IdSet seen = of;
    Ids frontier{of.begin(), of.end()};
    while (!frontier.empty()) {
        Ids added;
        for (const auto row : co_await db_.query(kNamedBy, texts(frontier))) {
            edges.push_back({id_of(row[0]), id_of(row[1])});
            if (seen.insert(edges.back().event_id).second) added.push_back(edges.back().event_id);
        }
        const auto agreed = co_await question_.agreed(added);
        std::erase_if(added, [&](const auto& id) { return agreed.contains(id); });
        frontier = std::move(added);
    }
    co_return edges;
}

Task<Ids> AuthWalk::confirm(IdSet candidates) {
    if (candidates.empty()) co_return Ids{};
    const auto edges = co_await descendants(candidates);
    auto states = states_of_conflicted();
    Ids unknown;
    IdSet seen;
    const auto look_at = [&](const proto::EventId& id) {
        if (!states.contains(id) && seen.insert(id).second) unknown.push_back(id);
    };
    for (const auto& id : candidates) look_at(id);
    for (const auto& edge : edges) look_at(edge.event_id);
    const auto count = question_.conflicted.size();
    if (!unknown.empty()) {
        for (const auto& id : co_await question_.agreed(std::move(unknown))) states[id].assign(count, true);
    }
    std::unordered_map<proto::EventId, Ids> auth_events;
    for (const auto& edge : edges) auth_events[edge.event_id].push_back(edge.auth_id);
    Ids open;
    for (const auto& [id, in] : states) open.push_back(id);
    while (!open.empty()) {
        const auto id = open.back();
        open.pop_back();
        const auto found = auth_events.find(id);
        if (found == auth_events.end()) continue;
        const auto in = states.at(id);
        for (const auto& auth_id : found->second) {
            auto& below = states.try_emplace(auth_id, States(count, false)).first->second;
            if (unite(below, in)) open.push_back(auth_id);
        }
    }
    Ids out;
    for (const auto& id : candidates) {
        const auto found = states.find(id);
        if (found == states.end() || !is_full(found->second)) out.push_back(id);
    }
    co_return out;
}

Task<Ids> AuthWalk::subgraph() {
    const auto conflicted = all_of(question_.conflicted);
    std::unordered_map<proto::EventId, Ids> named_by;
    IdSet seen{conflicted.begin(), conflicted.end()};
    Ids frontier = conflicted;
    while (!frontier.empty()) {
        Ids added;
        for (const auto row : co_await db_.query(kAuthEvents, texts(frontier))) {
            const auto auth_id = id_of(row[1]);
            named_by[auth_id].push_back(id_of(row[0]));
            if (seen.insert(auth_id).second) added.push_back(auth_id);
        }
        frontier = std::move(added);
    }
    // Of all that conflicted events build on, what builds on a conflicted event in turn.
    IdSet between{conflicted.begin(), conflicted.end()};
    Ids open = conflicted;
    while (!open.empty()) {
        const auto found = named_by.find(open.back());
        open.pop_back();
        if (found == named_by.end()) continue;
        for (const auto& id : found->second) {
            if (between.insert(id).second) open.push_back(id);
        }
    }
    co_return Ids{between.begin(), between.end()};
}

}  // namespace weft::storage
