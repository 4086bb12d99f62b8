#include <utility>

#include "weft/storage/stream_state.hpp"

namespace weft::storage {

void CacheRegistry::add(std::string name, Invalidate one, std::function<void()> all) {
    entries_.emplace(std::move(name), Entry{std::move(one), std::move(all)});
}

void CacheRegistry::invalidate(const std::string& name, const std::vector<std::string>& keys) const {
    const auto [first, last] = entries_.equal_range(name);
    for (auto entry = first; entry != last; ++entry) entry->second.one(keys);
}

void CacheRegistry::invalidate_all(const std::string& name) const {
    const auto [first, last] = entries_.equal_range(name);
    for (auto entry = first; entry != last; ++entry) entry->second.all();
}

}  // namespace weft::storage
