#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/stream_state.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// Registers a cache whose key is the first argument of the cached method.
template <class Value>
void register_cache(CacheRegistry& registry, std::string name, core::Cache<std::string, Value>& cache) {
    registry.add(
        std::move(name),
        [&cache](const std::vector<std::string>& keys) {
            if (!keys.empty()) cache.invalidate(keys.front());
        },
        [&cache] { cache.invalidate_all(); });
}

/// The value inside a cached optional, sharing its ownership; null for "there is none".
template <class Value>
std::shared_ptr<const Value> present(const std::shared_ptr<const std::optional<Value>>& cached) {
    if (!*cached) return nullptr;
    return std::shared_ptr<const Value>{cached, &**cached};
}

/// A page of a stream out of a query `... ORDER BY token FETCH FIRST limit ROWS WITH TIES`, whose first
/// column is the token: ties keep all rows of one token together.
template <class MakeRow>
StreamUpdates make_updates(const Rows& rows, std::int64_t to, std::size_t limit, const MakeRow& make_row) {
    StreamUpdates updates;
    updates.rows.reserve(rows.size());
    for (const auto row : rows) updates.rows.emplace_back(row[0].i64(), make_row(row));
    updates.limited = rows.size() >= limit && updates.rows.back().first < to;
    updates.upto = updates.limited ? updates.rows.back().first : to;
    return updates;
}

/// Cached values of many keys; what is missing is loaded by one call of `load(keys)`, which gives a map. A
/// value whose key changed on `stream` meanwhile is handed out but not kept. Keys that `load` leaves out get
/// an empty value.
template <class Value, class Load>
Task<std::vector<std::shared_ptr<const Value>>> get_many(core::Cache<std::string, Value>& cache,
                                                         const StreamState& stream,
                                                         std::vector<std::string> keys, Load load) {
    std::vector<std::shared_ptr<const Value>> values;
    std::vector<std::string> missing;
    for (const auto& key : keys) {
        values.push_back(cache.get_if_present(key));
        if (!values.back()) missing.push_back(key);
    }
    if (missing.empty()) co_return values;
    const auto before = stream.current();
    std::unordered_map<std::string, Value> loaded = co_await load(missing);
    std::unordered_map<std::string, std::shared_ptr<const Value>> shared;
    for (const auto& key : missing) {
        if (shared.contains(key)) continue;
        const auto value = std::make_shared<const Value>(std::move(loaded[key]));
        shared.emplace(key, value);
        if (!stream.changes().has_changed(key, before)) cache.put(key, value);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (!values[i]) values[i] = shared.at(keys[i]);
    }
    co_return values;
}

}  // namespace weft::storage
