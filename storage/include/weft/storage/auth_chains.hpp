#pragma once

#include <cstdint>
#include <functional>
#include <unordered_set>
#include <vector>

#include "weft/proto/event.hpp"
#include "weft/storage/database.hpp"

namespace weft::storage {

/// Answers what state resolution has to know of auth chains, without reading the chains: from the index over
/// them, which the persister keeps up to date, or, where events are not indexed yet, by walking. Either way
/// the cost grows with what the states differ in, not with the room. Logic thread only.
class AuthChains {
public:
    using Ids = std::vector<proto::EventId>;
    /// Of some events, those that are part of all the states: what they hold is in all auth chains, and so is
    /// all that they build on.
    using Agreed = std::function<Task<std::unordered_set<proto::EventId>>(Ids)>;

    struct Question {
        /// Of each state, the events that not all the states have.
        std::vector<Ids> conflicted;
        Agreed agreed;
        /// Whether the conflicted state subgraph is wanted (room version 12).
        bool with_subgraph = false;
    };
    struct Answer {
        Ids difference;  // in the auth chains of some states, but not of all; the states' events count as
                         // part of them
        Ids subgraph;    // on a path from one conflicted event to another, both included
        bool from_index = false;
    };

    explicit AuthChains(Database& db) : db_{db} {}

    Task<Answer> compare(Question question);
    /// The same without the index: one query a step, all chains together.
    Task<Answer> walk(Question question);

    /// Power levels events that the given ones build on, `limit` steps back at most: what the mainline
    /// consists of.
    Task<Ids> power_levels_before(Ids ids, std::size_t limit);

private:
    Task<void> drop_agreed(const Question& question, std::unordered_set<proto::EventId>& difference);

    Database& db_;
};

/// Brings events into the index that were stored before it existed, or by another server: a background
/// process of one process of the cluster. Remembers where it is.
class AuthChainIndexer {
public:
    struct Options {
        std::int64_t batch = 2'000;  // tokens of the events stream a transaction
    };
    explicit AuthChainIndexer(Database& db) : AuthChainIndexer{db, Options{}} {}
    AuthChainIndexer(Database& db, Options options) : db_{db}, options_{options} {}

    /// Returns when nothing is left to do, with the number of events that were indexed. What cannot be
    /// indexed, because events are missing that others name, stays as it is.
    Task<std::size_t> run();

private:
    Task<bool> is_needed();
    Task<std::size_t> scan();
    Task<std::size_t> index_left_overs();

    Database& db_;
    Options options_;
};

}  // namespace weft::storage
