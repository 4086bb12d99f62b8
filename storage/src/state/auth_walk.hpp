#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "weft/storage/auth_chains.hpp"

namespace weft::storage {

/// All events of the lists, each once.
AuthChains::Ids all_of(const std::vector<AuthChains::Ids>& lists);

/// Walks through auth chains, all of a question together, a query a step.
class AuthWalk {
public:
    using Ids = AuthChains::Ids;
    using IdSet = std::unordered_set<proto::EventId>;

    AuthWalk(Database& db, const AuthChains::Question& question) : db_{db}, question_{question} {}

    /// Events that are in the auth chains of some states' conflicted events, but not of all; not yet without
    /// those that agreed events build on. Goes down in decreasing depth, and stops where all chains have met.
    Task<IdSet> candidates();
    /// Those of the candidates that are in the difference indeed. Looks at what builds on them: if that
    /// includes an event all states have, or conflicted events of each state, the candidate is in all their
    /// chains.
    Task<Ids> confirm(IdSet candidates);
    Task<Ids> subgraph();

private:
    /// A set of states, one bit each.
    using States = std::vector<bool>;
    struct Node {
        States states;  // in whose chains it is
        std::int64_t depth = 0;
        bool is_expanded = false;
        bool is_agreed = false;
        Ids auth_events;
    };
    struct Edge {
        proto::EventId event_id;
        proto::EventId auth_id;
    };
    using Graph = std::unordered_map<proto::EventId, Node>;

    Graph start() const;
    Task<void> expand(Graph& graph, const Ids& frontier);
    Ids next_frontier(const Graph& graph) const;
    Task<std::vector<Edge>> descendants(IdSet of);
    std::unordered_map<proto::EventId, States> states_of_conflicted() const;

    Database& db_;
    const AuthChains::Question& question_;
};

}  // namespace weft::storage
