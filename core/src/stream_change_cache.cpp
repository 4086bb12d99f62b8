#include "weft/core/stream_change_cache.hpp"

#include <algorithm>

namespace weft::core {

StreamChangeCache::StreamChangeCache(std::int64_t floor, std::size_t entities_max)
    : floor_{floor}, entities_max_{entities_max} {}

void StreamChangeCache::entity_changed(const std::string& entity, std::int64_t token) {
    if (token <= floor_) return;
    const auto [place, added] = latest_.try_emplace(entity, token);
    if (!added) {
        if (place->second >= token) return;
        place->second = token;
    }
    changes_.insert(after(token), Change{token, &*place});  // mostly at the end
    if (changes_.size() > 2 * latest_.size() + kOutdatedMax) {
        std::erase_if(changes_, [](const Change& change) { return change.is_outdated(); });
    }
    evict();
}

StreamChangeCache::Changes::const_iterator StreamChangeCache::after(std::int64_t token) const {
    if (changes_.empty() || changes_.back().token <= token) return changes_.end();
    return std::upper_bound(changes_.begin(), changes_.end(), token,
                            [](std::int64_t wanted, const Change& change) { return wanted < change.token; });
}

/// An entity leaves with its newest change, which comes after all its others: none of those is left to point
/// at it.
void StreamChangeCache::evict() {
    while (latest_.size() > entities_max_) {
        const auto oldest = changes_.front();
        changes_.pop_front();
        if (oldest.is_outdated()) continue;
        floor_ = oldest.token;
        latest_.erase(latest_.find(oldest.entity->first));
        while (!changes_.empty() && changes_.front().token == floor_) {
            if (!changes_.front().is_outdated()) latest_.erase(latest_.find(changes_.front().entity->first));
            changes_.pop_front();
        }
    }
}

bool StreamChangeCache::has_changed(const std::string& entity, std::int64_t token) const {
    if (token < floor_) return true;
    const auto found = latest_.find(entity);
    return found != latest_.end() && found->second > token;
}

bool StreamChangeCache::has_any_changed(std::int64_t token) const {
    if (token < floor_) return true;
    return !changes_.empty() && changes_.back().token > token;  // the last is never outdated
}

std::optional<std::vector<std::string>> StreamChangeCache::changed_after(std::int64_t token) const {
    if (token < floor_) return std::nullopt;
    std::vector<std::string> out;
    for (auto change = after(token); change != changes_.end(); ++change) {
        if (!change->is_outdated()) out.push_back(change->entity->first);
    }
    return out;
}

std::optional<std::int64_t> StreamChangeCache::last_change(const std::string& entity) const {
    const auto found = latest_.find(entity);
    return found == latest_.end() ? std::nullopt : std::optional{found->second};
}

void StreamChangeCache::reset(std::int64_t floor) {
    floor_ = floor;
    changes_.clear();
    latest_.clear();
}

}  // namespace weft::core
