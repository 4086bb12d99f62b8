#include "state/state_groups.hpp"

#include "state/event_texts.hpp"

namespace weft::storage {
namespace {

// The nearest group along the chain that names a key has its value.
constexpr Sql kGroup{
    "state_group",
    "WITH RECURSIVE chain(state_group, depth) AS (SELECT $1::bigint, 0 UNION ALL "
    "SELECT e.prev_state_group, c.depth + 1 FROM chain c JOIN state_group_edges e ON e.state_group = "
    "c.state_group) "
    "SELECT DISTINCT ON (s.type, s.state_key) s.type, s.state_key, s.event_id FROM chain c "
    "JOIN state_groups_state s ON s.state_group = c.state_group ORDER BY s.type, s.state_key, c.depth"};
constexpr Sql kChain{"state_group_chain",
                     "WITH RECURSIVE chain(state_group, depth) AS (SELECT $1::bigint, 0 UNION ALL "
                     "SELECT e.prev_state_group, c.depth + 1 FROM chain c JOIN state_group_edges e ON "
                     "e.state_group = c.state_group) "
                     "SELECT max(depth) FROM chain"};
// LATERAL with OFFSET 0 here and below: look-ups by index, however few rows a whole group is thought to have.
constexpr Sql kGroupKeys{
    "state_group_keys",
    "WITH RECURSIVE chain(root, state_group, depth) AS (SELECT g, g, 0 FROM unnest($1::bigint[]) AS g UNION "
    "ALL "
    "SELECT c.root, e.prev_state_group, c.depth + 1 FROM chain c JOIN state_group_edges e ON e.state_group = "
    "c.state_group) "
    "SELECT DISTINCT ON (c.root, k.type, k.state_key) c.root, k.type, k.state_key, s.event_id FROM chain c "
    "CROSS JOIN unnest($2::text[], $3::text[]) AS k(type, state_key) CROSS JOIN LATERAL "
    "(SELECT event_id FROM state_groups_state WHERE state_group = c.state_group AND type = k.type "
    "AND state_key = k.state_key OFFSET 0) s ORDER BY c.root, k.type, k.state_key, c.depth"};

#define WEFT_CHAINS                                                                                          \
    "WITH RECURSIVE chain(root, state_group, depth) AS (SELECT g, g, 0 FROM unnest($1::bigint[]) AS g "      \
    "UNION ALL "                                                                                             \
    "SELECT c.root, e.prev_state_group, c.depth + 1 FROM chain c JOIN state_group_edges e ON e.state_group " \
    "= c.state_group), "
// The nearest group that all of them are built on (without a key), and what each has changed since.
constexpr Sql kSinceParting{
    "state_groups_since_parting", WEFT_CHAINS
    "shared AS (SELECT state_group FROM chain GROUP BY state_group HAVING count(*) = $2::bigint), "
    "nearest AS (SELECT c.state_group FROM chain c JOIN shared USING (state_group) WHERE c.root = $3::bigint "
    "ORDER BY c.depth LIMIT 1) "
    "SELECT state_group, NULL, NULL, NULL FROM nearest UNION ALL "
    "(SELECT DISTINCT ON (c.root, s.type, s.state_key) c.root, s.type, s.state_key, s.event_id FROM "
    "(SELECT * FROM chain WHERE EXISTS (SELECT 1 FROM nearest) "
    "AND state_group NOT IN (SELECT state_group FROM shared) OFFSET 0) c CROSS JOIN LATERAL "
    "(SELECT type, state_key, event_id FROM state_groups_state WHERE state_group = c.state_group OFFSET 0) s "
    "ORDER BY c.root, s.type, s.state_key, c.depth)"};
constexpr Sql kConflicts{
    "state_groups_conflicts", WEFT_CHAINS
    "states AS (SELECT DISTINCT ON (c.root, s.type, s.state_key) c.root, s.type, s.state_key, s.event_id "
    "FROM chain c "
    "JOIN state_groups_state s ON s.state_group = c.state_group ORDER BY c.root, s.type, s.state_key, "
    "c.depth), "
    "disputed AS (SELECT type, state_key FROM states GROUP BY type, state_key HAVING count(*) < $2::bigint "
    "OR min(event_id) <> max(event_id)) "
    "SELECT root, type, state_key, event_id FROM states JOIN disputed USING (type, state_key)"};
#undef WEFT_CHAINS
constexpr Sql kHolders{
    "state_group_holders",
    "WITH RECURSIVE chain(state_group, depth) AS (SELECT $1::bigint, 0 UNION ALL "
    "SELECT e.prev_state_group, c.depth + 1 FROM chain c JOIN state_group_edges e ON e.state_group = "
    "c.state_group), "
    "asked AS MATERIALIZED (SELECT event_id, type, state_key FROM state_events WHERE event_id = "
    "ANY($2::text[])) "
    "SELECT DISTINCT ON (a.event_id) a.event_id, a.type, a.state_key, s.event_id FROM asked a CROSS JOIN "
    "chain c "
    "CROSS JOIN LATERAL (SELECT event_id FROM state_groups_state WHERE state_group = c.state_group "
    "AND type = a.type AND state_key = a.state_key OFFSET 0) s ORDER BY a.event_id, c.depth"};

constexpr Sql kKeysOfEvents{
    "state_event_keys",
    "SELECT event_id, type, state_key FROM state_events WHERE event_id = ANY($1::text[])"};

/// About what a state takes in memory: entries are much alike, so a few stand for all. The texts of its keys are shared with
/// other states, and count in part.
std::size_t memory_of(const proto::StateMap& state) {
    constexpr std::size_t kSamples = 32;
    constexpr std::size_t kOverhead =
        sizeof(proto::StateMap::value_type) + 4 * sizeof(void*);  // node, bucket, allocator
    std::size_t samples = 0;
    std::size_t bytes = 0;
    for (const auto& [key, event_id] : state) {
        if (samples++ == kSamples) break;
        const auto id_length = event_id.str().size();
        bytes += kOverhead + key.memory_share() + (id_length > 15 ? id_length + 17 : 0);
    }
    return sizeof state + (samples > 0 ? bytes * state.size() / std::min(samples, kSamples) : 0);
}

}  // namespace

StateMapPtr StateGroups::cached(std::int64_t group) {
    const auto found = groups_.find(group);
    if (found == groups_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second.place);
    return found->second.state;
}

void StateGroups::put(std::int64_t group, StateMapPtr state) {
    if (groups_.contains(group)) return;
    const auto bytes = memory_of(*state);
    bytes_ += bytes;
    order_.push_front(group);
    groups_.emplace(group, Entry{std::move(state), bytes, order_.begin()});
    while (bytes_ > bytes_max_ && groups_.size() > 1) {
        const auto oldest = groups_.find(order_.back());
        bytes_ -= oldest->second.bytes;
        groups_.erase(oldest);
        order_.pop_back();
    }
    bytes_gauge_.set(static_cast<double>(bytes_));
}

Task<StateMapPtr> StateGroups::get(std::int64_t group) {
    if (auto hit = cached(group)) co_return hit;
    const auto rows = co_await db_.query(kGroup, group);
    auto state = std::make_shared<proto::StateMap>();
    state->reserve(rows.size());
    for (const auto row : rows) {
        state->emplace(proto::StateKey{row[0].view(), row[1].view()}, proto::EventId::trusted(row[2].str()));
    }
    put(group, state);
    co_return state;
}

Task<std::size_t> StateGroups::chain(std::int64_t group) {
    const auto rows = co_await db_.query(kChain, group);
    co_return static_cast<std::size_t>(rows.front()[0].i64());
}

Task<std::unordered_map<std::int64_t, proto::StateMap>> StateGroups::get_keys(
    std::vector<std::int64_t> groups, std::vector<proto::StateKey> keys) {
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
        types.push_back(key.type());
        state_keys.push_back(key.state_key());
    }
    const auto rows = co_await db_.query(kGroupKeys, missing, types, state_keys);
    for (const auto row : rows) {
        out[row[0].i64()].emplace(proto::StateKey{row[1].view(), row[2].view()},
                                  proto::EventId::trusted(row[3].str()));
    }
    co_return out;
}

Task<std::vector<proto::StateMap>> StateGroups::difference(std::vector<std::int64_t> groups) {
    std::unordered_map<std::int64_t, proto::StateMap> changed;
    std::optional<std::int64_t> common;
    for (const auto row : co_await db_.query(kSinceParting, groups, groups.size(), groups.front())) {
        if (row[1].is_null()) {
            common = row[0].i64();
        } else {
            changed[row[0].i64()].emplace(proto::StateKey{row[1].view(), row[2].view()},
                                          proto::EventId::trusted(row[3].str()));
        }
    }
    if (!common) co_return co_await difference_of_unrelated(std::move(groups));
    std::vector<proto::StateKey> keys;
    std::unordered_map<proto::StateKey, std::size_t> changed_by;
    for (const auto& [group, state] : changed) {
        for (const auto& [key, event_id] : state) ++changed_by[key];
    }
    for (const auto& [key, count] : changed_by) {
        if (count < groups.size()) keys.push_back(key);
    }
    const auto before = co_await get_keys({*common}, std::move(keys));
    std::vector<proto::StateMap> out;
    for (const auto group : groups) {
        auto& state = out.emplace_back(before.at(*common));
        for (const auto& [key, event_id] : changed[group]) state.insert_or_assign(key, event_id);
    }
    // A key may have got the same value on both sides.
    for (const auto& [key, count] : changed_by) {
        const auto first = out.front().find(key);
        const bool is_agreed = first != out.front().end() &&
                               std::all_of(out.begin(), out.end(), [&, &wanted = key](const auto& state) {
                                   const auto found = state.find(wanted);
                                   return found != state.end() && found->second == first->second;
                               });
        if (!is_agreed) continue;
        for (auto& state : out) state.erase(key);
    }
    co_return out;
}

Task<std::vector<proto::StateMap>> StateGroups::difference_of_unrelated(std::vector<std::int64_t> groups) {
    std::unordered_map<std::int64_t, proto::StateMap> states;
    for (const auto row : co_await db_.query(kConflicts, groups, groups.size())) {
        states[row[0].i64()].emplace(proto::StateKey{row[1].view(), row[2].view()},
                                     proto::EventId::trusted(row[3].str()));
    }
    std::vector<proto::StateMap> out;
    for (const auto group : groups) out.push_back(std::move(states[group]));
    co_return out;
}

Task<std::vector<HeldKey>> StateGroups::holders(std::int64_t group, std::vector<proto::EventId> event_ids) {
    std::vector<HeldKey> out;
    if (!databases_.state_is_apart()) {
        for (const auto row : co_await db_.query(kHolders, group, texts(event_ids))) {
            out.push_back({proto::EventId::trusted(row[0].str()),
                           {row[1].view(), row[2].view()},
                           proto::EventId::trusted(row[3].str())});
        }
        co_return out;
    }
    std::vector<std::pair<proto::EventId, proto::StateKey>> asked;
    std::vector<proto::StateKey> keys;
    for (const auto row : co_await databases_.main.query(kKeysOfEvents, texts(event_ids))) {
        asked.emplace_back(proto::EventId::trusted(row[0].str()),
                           proto::StateKey{row[1].view(), row[2].view()});
        keys.push_back(asked.back().second);
    }
    const auto states = co_await get_keys({group}, std::move(keys));
    for (auto& [event_id, key] : asked) {
        const auto found = states.at(group).find(key);
        if (found != states.at(group).end()) out.push_back({std::move(event_id), key, found->second});
    }
    co_return out;
}

}  // namespace weft::storage
