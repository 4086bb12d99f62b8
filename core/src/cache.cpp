#include "weft/core/cache.hpp"

namespace weft::core {

CacheMetrics::CacheMetrics(const std::string& name)
    : hits{counter("weft_cache_hits_total", "Answers from the cache", {{"cache", name}})},
      misses{counter("weft_cache_misses_total", "Loads because the cache had no answer", {{"cache", name}})},
      invalidations{counter("weft_cache_invalidations_total", "Invalidations", {{"cache", name}})},
      entries{gauge("weft_cache_entries", "Entries in the cache", {{"cache", name}})} {}

}  // namespace weft::core
