#include "weft/storage/auth_chains.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "state/auth_walk.hpp"
#include "state/chain_cover.hpp"
#include "state/event_texts.hpp"
#include "weft/core/metrics.hpp"

namespace weft::storage {
namespace {

using Ids = AuthChains::Ids;

// The places of events and of those that they name, and all links that can be followed from there. LATERAL
// with OFFSET 0 keeps the planner from reading whole tables: it cannot know how few rows a recursion finds.
constexpr Sql kReach{
    "auth_chain_reach",
    "WITH RECURSIVE named AS (SELECT unnest($1::text[]) AS event_id UNION SELECT auth_id FROM event_auth "
    "WHERE event_id = ANY($1::text[])), "
    "places AS MATERIALIZED (SELECT n.event_id, c.chain_id, c.sequence_number FROM named n CROSS JOIN "
    "LATERAL "
    "(SELECT chain_id, sequence_number FROM event_auth_chains WHERE event_id = n.event_id OFFSET 0) c), "
    "reached(chain_id, sequence_number) AS (SELECT chain_id, max(sequence_number) FROM places GROUP BY "
    "chain_id "
    "UNION SELECT l.target_chain_id, l.target_sequence_number FROM reached r CROSS JOIN LATERAL "
    "(SELECT target_chain_id, target_sequence_number FROM event_auth_chain_links "
    "WHERE origin_chain_id = r.chain_id AND origin_sequence_number <= r.sequence_number OFFSET 0) l) "
    "SELECT event_id, chain_id, sequence_number, NULL::bigint, NULL::bigint FROM places UNION ALL "
    "SELECT NULL, r.chain_id, l.origin_sequence_number, l.target_chain_id, l.target_sequence_number "
    "FROM (SELECT chain_id, max(sequence_number) AS upto FROM reached GROUP BY chain_id) r CROSS JOIN "
    "LATERAL "
    "(SELECT origin_sequence_number, target_chain_id, target_sequence_number FROM event_auth_chain_links "
    "WHERE origin_chain_id = r.chain_id AND origin_sequence_number <= r.upto OFFSET 0) l"};
constexpr Sql kInRanges{
    "auth_chain_ranges",
    "SELECT c.event_id, c.chain_id, c.sequence_number FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) "
    "AS r(chain, after, upto) JOIN event_auth_chains c "
    "ON c.chain_id = r.chain AND c.sequence_number > r.after AND c.sequence_number <= r.upto"};
constexpr Sql kPowerLevelsBefore{
    "power_levels_before",
    "WITH RECURSIVE before(event_id, steps) AS (SELECT unnest($1::text[]), 0 UNION "
    "SELECT a.auth_id, b.steps + 1 FROM before b CROSS JOIN LATERAL (SELECT e.auth_id FROM event_auth e "
    "JOIN state_events s ON s.event_id = e.auth_id WHERE e.event_id = b.event_id "
    "AND s.type = 'm.room.power_levels' AND s.state_key = '' OFFSET 0) a WHERE b.steps < $2::int) "
    "SELECT DISTINCT event_id FROM before"};

core::Counter& answers(bool from_index) {
    static auto index = core::counter("weft_auth_chain_comparisons_total", "Auth chains of states compared",
                                      {{"by", "index"}});
    static auto walk = core::counter("weft_auth_chain_comparisons_total", "Auth chains of states compared",
                                     {{"by", "walk"}});
    return from_index ? index : walk;
}

/// The part of the index that a question is about.
struct LoadedIndex {
    std::unordered_map<proto::EventId, ChainPlace> places;  // of the conflicted events and their auth events
    ChainCover cover;
};

Task<LoadedIndex> load_index(Database& db, const Ids& conflicted) {
    LoadedIndex out;
    for (const auto row : co_await db.query(kReach, texts(conflicted))) {
        const ChainPlace place{row[1].i64(), row[2].i64()};
        if (row[0].is_null()) {
            out.cover.add_link(place, {row[3].i64(), row[4].i64()});
        } else {
            out.places.emplace(proto::EventId::trusted(row[0].str()), place);
        }
    }
    co_return out;
}

/// The events of the ranges; those whose places are known need no query.
Task<void> find_events(Database& db, const std::vector<ChainRange>& ranges,
                       std::unordered_map<proto::EventId, ChainPlace>& places) {
    std::vector<std::int64_t> chains, after, upto;
    for (const auto& range : ranges) {
        const auto known = std::count_if(places.begin(), places.end(),
                                         [&](const auto& place) { return range.contains(place.second); });
        if (known == range.upto - range.after) continue;
        chains.push_back(range.chain);
        after.push_back(range.after);
        upto.push_back(range.upto);
    }
    if (chains.empty()) co_return;
    for (const auto row : co_await db.query(kInRanges, chains, after, upto)) {
        places.emplace(proto::EventId::trusted(row[0].str()), ChainPlace{row[1].i64(), row[2].i64()});
    }
}

std::vector<ChainRange> subgraph_ranges(const ChainCover& cover, const std::vector<ChainPlace>& conflicted) {
    std::vector<ChainRange> out;
    const auto below = cover.reached_from(conflicted);
    for (const auto& [chain, lowest] : cover.building_on(conflicted)) {
        const auto found = below.find(chain);
        if (found != below.end() && found->second >= lowest)
            out.push_back({chain, lowest - 1, found->second});
    }
    return out;
}

Ids events_in(const std::vector<ChainRange>& ranges,
              const std::unordered_map<proto::EventId, ChainPlace>& places) {
    std::unordered_map<std::int64_t, const ChainRange*> by_chain;
    for (const auto& range : ranges) by_chain.emplace(range.chain, &range);
    Ids out;
    for (const auto& [id, place] : places) {
        const auto range = by_chain.find(place.chain);
        if (range != by_chain.end() && range->second->contains(place)) out.push_back(id);
    }
    return out;
}

}  // namespace

Task<AuthChains::Answer> AuthChains::compare(Question question) {
    const auto conflicted = all_of(question.conflicted);
    auto index = co_await load_index(db_, conflicted);
    const bool is_indexed = std::all_of(conflicted.begin(), conflicted.end(),
                                        [&](const auto& id) { return index.places.contains(id); });
    if (!is_indexed) co_return co_await walk(std::move(question));
    answers(true).increment();

    Answer answer;
    answer.from_index = true;
    std::vector<ChainPositions> reached;
    for (const auto& state : question.conflicted) {
        std::vector<ChainPlace> places;
        for (const auto& id : state) places.push_back(index.places.at(id));
        reached.push_back(index.cover.reached_from(places));
    }
    // Most of what conflicted events name is what all states have: what that builds on need not be looked at.
    Ids named;
    const std::unordered_set<proto::EventId> in_conflict{conflicted.begin(), conflicted.end()};
    for (const auto& [id, place] : index.places) {
        if (!in_conflict.contains(id)) named.push_back(id);
    }
    std::vector<ChainPlace> implied;
    for (const auto& id : co_await question.agreed(std::move(named))) implied.push_back(index.places.at(id));

    const auto difference = chain_difference(reached, index.cover.reached_from(implied));
    std::vector<ChainRange> subgraph;
    if (question.with_subgraph) {
        std::vector<ChainPlace> places;
        for (const auto& id : conflicted) places.push_back(index.places.at(id));
        subgraph = subgraph_ranges(index.cover, places);
    }
    auto wanted = difference;
    wanted.insert(wanted.end(), subgraph.begin(), subgraph.end());
    co_await find_events(db_, wanted, index.places);
    const auto candidates = events_in(difference, index.places);
    answer.difference = co_await AuthWalk{db_, question}.confirm({candidates.begin(), candidates.end()});
    answer.subgraph = events_in(subgraph, index.places);
    co_return answer;
}

Task<AuthChains::Answer> AuthChains::walk(Question question) {
    answers(false).increment();
    Answer answer;
    AuthWalk walk{db_, question};
    answer.difference = co_await walk.confirm(co_await walk.candidates());
    if (question.with_subgraph) answer.subgraph = co_await walk.subgraph();
    co_return answer;
}

Task<AuthChains::Ids> AuthChains::power_levels_before(Ids ids, std::size_t limit) {
    Ids out;
    for (const auto row : co_await db_.query(kPowerLevelsBefore, texts(ids), limit))
        out.push_back(proto::EventId::trusted(row[0].str()));
    co_return out;
}

}  // namespace weft::storage
