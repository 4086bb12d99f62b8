#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "weft/core/clock.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/cache_stream_writer.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::storage {

/// What every store is given. The references outlive the stores.
struct StoreContext {
    Database& db;
    CacheRegistry& caches;
    CacheStreamWriter& cache_writer;
    const core::Clock& clock;
    asio::any_io_executor executor;
    /// Scales the size of each cache.
    std::size_t cache_factor_percent = 100;

    std::size_t scaled(std::size_t entries) const {
        return std::max<std::size_t>(16, entries * cache_factor_percent / 100);
    }
};

/// A cache key of two parts, e.g. user and room.
using KeyPair = std::pair<std::string, std::string>;

struct KeyPairHash {
    std::size_t operator()(const KeyPair& key) const noexcept {
        const std::size_t first = std::hash<std::string>{}(key.first);
        return std::hash<std::string>{}(key.second) ^
               (first + 0x9e3779b97f4a7c15ULL + (first << 6) + (first >> 2));
    }
};

}  // namespace weft::storage
