#include "weft/core/stream_change_cache.hpp"

#include <algorithm>
#include "weft/core/keyed_hash.hpp"

namespace weft::core {

StreamChangeCache::StreamChangeCache(std::int64_t floor, std::size_t entities_max)
    : floor_{floor}, entities_max_{entities_max} {}

StreamChangeCache::Key StreamChangeCache::key_of(std::string_view entity) { return keyed_hash(entity); }

bool StreamChangeCache::is_outdated(const Change& change) const {
    return latest_.find(change.entity)->second.token != change.token;
}

void StreamChangeCache::entity_changed(const std::string& entity, std::int64_t token) {
    if (token <= floor_) return;
    const auto key = key_of(entity);
    const auto [place, added] = latest_.try_emplace(key);
    auto& latest = place->second;
    if (added) {
        latest.name = entity;
    } else if (latest.token >= token) {
        return;
    }
    latest.token = token;
    changes_.insert(after(token), Change{token, key});  // mostly at the end
    if (changes_.size() > 2 * latest_.size() + kOutdatedMax) {
        std::erase_if(changes_, [this](const Change& change) { return is_outdated(change); });
    }
    evict();
}

StreamChangeCache::Changes::const_iterator StreamChangeCache::after(std::int64_t token) const {
    if (changes_.empty() || changes_.back().token <= token) return changes_.end();
    return std::upper_bound(changes_.begin(), changes_.end(), token,
                            [](std::int64_t wanted, const Change& change) { return wanted < change.token; });
}

/// An entity leaves with its newest change, which comes after all its others: none of those is left without
/// it.
void StreamChangeCache::evict() {
    while (latest_.size() > entities_max_) {
        const auto oldest = changes_.front();
        changes_.pop_front();
        if (is_outdated(oldest)) continue;
        floor_ = oldest.token;
        latest_.erase(oldest.entity);
        while (!changes_.empty() && changes_.front().token == floor_) {
            if (!is_outdated(changes_.front())) latest_.erase(changes_.front().entity);
            changes_.pop_front();
        }
    }
}

bool StreamChangeCache::has_changed(const std::string& entity, std::int64_t token) const {
    if (token < floor_) return true;
    const auto found = latest_.find(key_of(entity));
    return found != latest_.end() && found->second.token > token;
}

bool StreamChangeCache::has_any_changed(std::int64_t token) const {
    if (token < floor_) return true;
    return !changes_.empty() && changes_.back().token > token;  // the last is never outdated
}

std::optional<std::vector<std::string>> StreamChangeCache::changed_after(std::int64_t token) const {
    if (token < floor_) return std::nullopt;
    std::vector<std::string> out;
    for (auto change = after(token); change != changes_.end(); ++change) {
        const auto& latest = latest_.find(change->entity)->second;
        if (latest.token == change->token) out.push_back(latest.name);
    }
    return out;
}

std::optional<std::int64_t> StreamChangeCache::last_change(const std::string& entity) const {
    const auto found = latest_.find(key_of(entity));
    return found == latest_.end() ? std::nullopt : std::optional{found->second.token};
}

void StreamChangeCache::reset(std::int64_t floor) {
    floor_ = floor;
    changes_.clear();
    latest_.clear();
}

}  // namespace weft::core
