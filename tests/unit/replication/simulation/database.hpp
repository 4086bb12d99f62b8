#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "weft/replication/stream.hpp"

namespace weft::replication::simulation {

/// What all writers have committed. Tokens of a writer are committed in any order, as in reality.
class Database {
public:
    using Tokens = std::map<std::int64_t, std::vector<int>>;

    void commit(const StreamKey& key, std::int64_t token, std::vector<int> rows) {
        rows_[key][token] = std::move(rows);
    }
    const Tokens& of(const StreamKey& key) const {
        static const Tokens kNone;
        const auto found = rows_.find(key);
        return found == rows_.end() ? kNone : found->second;
    }
    std::int64_t max(const StreamKey& key) const { return of(key).empty() ? 0 : of(key).rbegin()->first; }
    const std::map<StreamKey, Tokens>& all() const { return rows_; }

    /// About `limit` rows; a token is never split.
    Updates updates(const StreamKey& key, std::int64_t from, std::int64_t upto, std::size_t limit) const {
        Updates page;
        page.upto = upto;
        const auto& tokens = of(key);
        for (auto at = tokens.upper_bound(from); at != tokens.end() && at->first <= upto; ++at) {
            if (page.rows.size() >= limit) {
                page.limited = true;
                page.upto = page.rows.back().token;
                break;
            }
            for (const int row : at->second) page.rows.push_back({at->first, json::array{row}});
        }
        return page;
    }

private:
    std::map<StreamKey, Tokens> rows_;
};

}  // namespace weft::replication::simulation
