#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace weft::storage {

/// The newest rows of a stream by entity (room, user), so that an incremental sync reads memory and not the
/// database. Bounded: the oldest rows leave and the floor rises. Logic thread only.
template <class Row>
class RecentRows {
public:
    using RowPtr = std::shared_ptr<const Row>;

    explicit RecentRows(std::size_t rows_max) : rows_max_{rows_max} {}

    /// Forgets everything; knowledge begins after `floor`.
    void reset(std::int64_t floor) {
        order_.clear();
        by_entity_.clear();
        floor_ = floor;
    }

    /// Tokens must not decrease; an older one is not remembered and raises the floor.
    void add(std::int64_t token, const std::string& entity, Row row) {
        if (!order_.empty() && token < order_.back().first) {
            reset(order_.back().first);
            return;
        }
        by_entity_[entity].emplace_back(token, std::make_shared<const Row>(std::move(row)));
        order_.emplace_back(token, entity);
        while (order_.size() > rows_max_) drop_oldest();
    }

    /// Is everything that happened after `from` here?
    bool knows(std::int64_t from) const { return floor_ && from >= *floor_; }
    bool started() const { return floor_.has_value(); }

    /// Rows of `entity` in (from, to], oldest first. Complete only if knows(from).
    std::vector<RowPtr> of(const std::string& entity, std::int64_t from, std::int64_t to) const {
        std::vector<RowPtr> rows;
        if (const auto found = by_entity_.find(entity); found != by_entity_.end()) {
            for (const auto& [token, row] : found->second) {
                if (token > from && token <= to) rows.push_back(row);
            }
        }
        return rows;
    }

    std::size_t size() const { return order_.size(); }

private:
    void drop_oldest() {
        const auto [token, entity] = std::move(order_.front());
        order_.pop_front();
        floor_ = token;
        const auto found = by_entity_.find(entity);
        found->second.pop_front();
        if (found->second.empty()) by_entity_.erase(found);
    }

    std::size_t rows_max_;
    std::optional<std::int64_t> floor_;
    std::deque<std::pair<std::int64_t, std::string>> order_;
    std::unordered_map<std::string, std::deque<std::pair<std::int64_t, RowPtr>>> by_entity_;
};

}  // namespace weft::storage
