#include <unordered_map>

#include "state/auth_chain_index.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/json.hpp"
#include "weft/storage/auth_chains.hpp"

namespace weft::storage {
namespace {

constexpr auto kUpdateName = "auth_chain_index";

constexpr Sql kProgress{"background_update_progress",
                        "SELECT progress_json FROM weft_background_updates WHERE update_name = $1"};
constexpr Sql kSetProgress{"set_background_update_progress",
                           "INSERT INTO weft_background_updates (update_name, progress_json) VALUES ($1, $2) "
                           "ON CONFLICT (update_name) DO UPDATE SET progress_json = excluded.progress_json"};
constexpr Sql kFinish{"finish_background_update",
                      "DELETE FROM weft_background_updates WHERE update_name = $1"};
// A restored dump brings events, but not the index.
constexpr Sql kIsEmpty{
    "auth_chains_are_missing",
    "SELECT NOT EXISTS (SELECT 1 FROM event_auth_chains) AND EXISTS (SELECT 1 FROM state_events)"};
constexpr Sql kRange{"events_range", "SELECT min(stream_ordering), max(stream_ordering) FROM events"};

#define WEFT_UNINDEXED                                                                                     \
    "SELECT e.event_id, COALESCE(s.type, ''), COALESCE(s.state_key, ''), "                                 \
    "(SELECT array_to_string(array_agg(a.auth_id), ' ') FROM event_auth a WHERE a.event_id = e.event_id) " \
    "FROM events e "                                                                                       \
    "LEFT JOIN state_events s ON s.event_id = e.event_id "                                                 \
    "WHERE (s.event_id IS NOT NULL OR EXISTS (SELECT 1 FROM event_auth a WHERE a.event_id = e.event_id)) " \
    "AND NOT EXISTS (SELECT 1 FROM event_auth_chains c WHERE c.event_id = e.event_id) "
constexpr Sql kUnindexed{"unindexed_events", WEFT_UNINDEXED
                         "AND e.stream_ordering > $1 AND e.stream_ordering <= $2 ORDER BY e.stream_ordering"};
// Older events of another server's come later than what builds on them.
constexpr Sql kLeftOvers{
    "unindexed_left_overs", WEFT_UNINDEXED
    "AND NOT EXISTS (SELECT 1 FROM event_auth a LEFT JOIN event_auth_chains c ON c.event_id = a.auth_id "
    "WHERE a.event_id = e.event_id AND c.event_id IS NULL) ORDER BY e.depth, e.stream_ordering LIMIT $1"};
#undef WEFT_UNINDEXED

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end > 0) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::vector<AuthEdges> edges_of(const Rows& rows) {
    std::vector<AuthEdges> out;
    for (const auto row : rows)
        out.push_back({row[0].str(), row[1].str(), row[2].str(), words(row[3].view())});
    return out;
}

}  // namespace

Task<bool> AuthChainIndexer::is_needed() {
    const auto known = co_await db_.query(kProgress, kUpdateName);
    if (!known.empty()) co_return true;
    const auto rows = co_await db_.query(kIsEmpty);
    co_return rows.front()[0].boolean();
}

Task<std::size_t> AuthChainIndexer::run() {
    if (!co_await is_needed()) co_return 0;
    const auto scanned = co_await scan();
    const auto left_over = co_await index_left_overs();
    co_await db_.query(kFinish, kUpdateName);
    const auto count = scanned + left_over;
    if (count > 0)
        core::log_info("storage.auth_chains", "{} events brought into the index over auth chains", count);
    co_return count;
}

/// In the order in which events came, which is nearly always the order in which they build on each other.
Task<std::size_t> AuthChainIndexer::scan() {
    const auto range = co_await db_.query(kRange);
    if (range.front()[0].is_null()) co_return 0;
    auto from = range.front()[0].i64() - 1;
    const auto upto = range.front()[1].i64();
    if (const auto rows = co_await db_.query(kProgress, kUpdateName); !rows.empty()) {
        const auto progress = proto::parse_json_object(rows.front()[0].view());
        if (progress) from = std::max(from, proto::get_int(*progress, "stream_ordering").value_or(from));
    }
    std::size_t count = 0;
    while (from < upto) {
        const auto to = std::min(upto, from + options_.batch);
        count += co_await db_.run("index_auth_chains", [&](Transaction& txn) {
            const auto indexed = index_auth_chains(txn, edges_of(txn.exec(kUnindexed, from, to)));
            txn.exec(kSetProgress, kUpdateName, proto::to_json(boost::json::object{{"stream_ordering", to}}));
            return indexed;
        });
        from = to;
    }
    co_return count;
}

Task<std::size_t> AuthChainIndexer::index_left_overs() {
    std::size_t count = 0;
    for (;;) {
        const auto indexed = co_await db_.run("index_auth_chains", [&](Transaction& txn) {
            return index_auth_chains(txn, edges_of(txn.exec(kLeftOvers, options_.batch)));
        });
        if (indexed == 0) co_return count;
        count += indexed;
    }
}

}  // namespace weft::storage
