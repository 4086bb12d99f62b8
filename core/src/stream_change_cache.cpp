#include "weft/core/stream_change_cache.hpp"

namespace weft::core {

StreamChangeCache::StreamChangeCache(std::int64_t floor, std::size_t entities_max) : floor_{floor}, entities_max_{entities_max} {}

void StreamChangeCache::entity_changed(const std::string& entity, std::int64_t token) {
    if (token <= floor_) return;
    const auto [place, added] = latest_.try_emplace(entity, token);
    if (!added) {
        if (place->second >= token) return;
        const auto old = by_token_.find(place->second);
        old->second.erase(entity);
        if (old->second.empty()) by_token_.erase(old);
        place->second = token;
    }
    by_token_[token].insert(entity);
    evict();
}

void StreamChangeCache::evict() {
    while (latest_.size() > entities_max_) {
        const auto oldest = by_token_.begin();
        floor_ = oldest->first;
        for (const auto& entity : oldest->second) latest_.erase(entity);
        by_token_.erase(oldest);
    }
}

bool StreamChangeCache::has_changed(const std::string& entity, std::int64_t token) const {
    if (token < floor_) return true;
    const auto found = latest_.find(entity);
    return found != latest_.end() && found->second > token;
}

bool StreamChangeCache::has_any_changed(std::int64_t token) const {
    if (token < floor_) return true;
    return !by_token_.empty() && by_token_.rbegin()->first > token;
}

std::optional<std::vector<std::string>> StreamChangeCache::changed_after(std::int64_t token) const {
    if (token < floor_) return std::nullopt;
    std::vector<std::string> out;
    for (auto place = by_token_.upper_bound(token); place != by_token_.end(); ++place) {
        out.insert(out.end(), place->second.begin(), place->second.end());
    }
    return out;
}

std::optional<std::int64_t> StreamChangeCache::last_change(const std::string& entity) const {
    const auto found = latest_.find(entity);
    return found == latest_.end() ? std::nullopt : std::optional{found->second};
}

void StreamChangeCache::reset(std::int64_t floor) {
    floor_ = floor;
    latest_.clear();
    by_token_.clear();
}

}  // namespace weft::core
