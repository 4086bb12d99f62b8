#include "state/state_groups.hpp"

namespace weft::storage {
namespace {

// The nearest group along the chain that names a key has its value.
constexpr Sql kGroup{"state_group",
                     "WITH RECURSIVE chain(state_group, depth) AS (SELECT $1::bigint, 0 UNION ALL "
                     "SELECT e.prev_state_group, c.depth + 1 FROM chain c JOIN state_group_edges e ON e.state_group = c.state_group) "
                     "SELECT DISTINCT ON (s.type, s.state_key) s.type, s.state_key, s.event_id FROM chain c "
                     "JOIN state_groups_state s ON s.state_group = c.state_group ORDER BY s.type, s.state_key, c.depth"};
constexpr Sql kChain{"state_group_chain",
                     "WITH RECURSIVE chain(state_group, depth) AS (SELECT $1::bigint, 0 UNION ALL "
                     "SELECT e.prev_state_group, c.depth + 1 FROM chain c JOIN state_group_edges e ON e.state_group = c.state_group) "
                     "SELECT max(depth) FROM chain"};
constexpr Sql kGroupKeys{
    "state_group_keys",
    "WITH RECURSIVE chain(root, state_group, depth) AS (SELECT g, g, 0 FROM unnest($1::bigint[]) AS g UNION ALL "
    "SELECT c.root, e.prev_state_group, c.depth + 1 FROM chain c JOIN state_group_edges e ON e.state_group = c.state_group) "
    "SELECT DISTINCT ON (c.root, s.type, s.state_key) c.root, s.type, s.state_key, s.event_id FROM chain c "
    "JOIN state_groups_state s ON s.state_group = c.state_group "
    "JOIN unnest($2::text[], $3::text[]) AS k(type, state_key) ON k.type = s.type AND k.state_key = s.state_key "
    "ORDER BY c.root, s.type, s.state_key, c.depth"};

}  // namespace

StateMapPtr StateGroups::cached(std::int64_t group) {
    const auto found = groups_.find(group);
    if (found == groups_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second.place);
    return found->second.state;
}

void StateGroups::put(std::int64_t group, StateMapPtr state) {
    if (groups_.contains(group)) return;
    entries_ += state->size();
    order_.push_front(group);
    groups_.emplace(group, Entry{std::move(state), order_.begin()});
    while (entries_ > entries_max_ && groups_.size() > 1) {
        const auto oldest = groups_.find(order_.back());
        entries_ -= oldest->second.state->size();
        groups_.erase(oldest);
        order_.pop_back();
    }
}

Task<StateMapPtr> StateGroups::get(std::int64_t group) {
    if (auto hit = cached(group)) co_return hit;
    const auto rows = co_await db_.query(kGroup, group);
    auto state = std::make_shared<proto::StateMap>();
    state->reserve(rows.size());
    for (const auto row : rows) {
        state->emplace(proto::StateKey{row[0].str(), row[1].str()}, proto::EventId::trusted(row[2].str()));
    }
    put(group, state);
    co_return state;
}

Task<std::size_t> StateGroups::chain(std::int64_t group) {
    const auto rows = co_await db_.query(kChain, group);
    co_return static_cast<std::size_t>(rows.front()[0].i64());
}

Task<std::unordered_map<std::int64_t, proto::StateMap>> StateGroups::get_keys(std::vector<std::int64_t> groups,
                                                                              std::vector<proto::StateKey> keys) {
    std::unordered_map<std::int64_t, proto::StateMap> out;
    std::vector<std::int64_t> missing;
    for (const auto group : groups) {
        if (out.contains(group)) continue;
        auto& state = out[group];
        const auto whole = cached(group);
        if (!whole) {
            missing.push_back(group);
            continue;
        }
        for (const auto& key : keys) {
            if (const auto found = whole->find(key); found != whole->end()) state.emplace(key, found->second);
        }
    }
    if (missing.empty() || keys.empty()) co_return out;
    std::vector<std::string> types;
    std::vector<std::string> state_keys;
    for (const auto& key : keys) {
        types.push_back(key.type);
        state_keys.push_back(key.state_key);
    }
    const auto rows = co_await db_.query(kGroupKeys, missing, types, state_keys);
    for (const auto row : rows) {
        out[row[0].i64()].emplace(proto::StateKey{row[1].str(), row[2].str()}, proto::EventId::trusted(row[3].str()));
    }
    co_return out;
}

}  // namespace weft::storage
