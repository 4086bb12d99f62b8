#include "weft/storage/id_generator.hpp"

#include <deque>
#include <set>
#include <stdexcept>
#include <utility>

namespace weft::storage {

struct StreamIdGenerator::State {
    std::int64_t step;
    std::int64_t last_allocated;
    std::int64_t current;
    // Both hold id * step, so that they are ordered in the direction of the stream.
    std::set<std::int64_t> unfinished;
    std::set<std::int64_t> committed_above;  // committed, but something lower is not settled
    std::function<void()> settled;
    std::deque<std::int64_t> supply;
    bool is_supplied = false;

    void settle(const std::vector<std::int64_t>& ids, const std::vector<std::int64_t>& committed) {
        for (const auto id : ids) unfinished.erase(id * step);
        for (const auto id : committed) committed_above.insert(id * step);
        while (!committed_above.empty()) {
            const auto lowest = *committed_above.begin();
            if (!unfinished.empty() && *unfinished.begin() < lowest) break;
            current = lowest * step;
            committed_above.erase(committed_above.begin());
        }
        if (settled) settled();
    }
};

StreamIdGenerator::StreamIdGenerator(std::int64_t last, std::int64_t step)
    : state_{std::make_shared<State>(State{step, last, last, {}, {}, {}, {}, false})} {}

StreamIdGenerator::~StreamIdGenerator() {
    state_->settled = nullptr;
}

StreamIdGenerator::Allocation StreamIdGenerator::next(std::size_t count) {
    std::vector<std::int64_t> ids;
    ids.reserve(count);
    if (state_->is_supplied && state_->supply.size() < count) throw std::logic_error{"too few tokens were supplied"};
    for (std::size_t i = 0; i < count; ++i) {
        if (state_->is_supplied) {
            state_->last_allocated = state_->supply.front();
            state_->supply.pop_front();
        } else {
            state_->last_allocated += state_->step;
        }
        ids.push_back(state_->last_allocated);
        state_->unfinished.insert(state_->last_allocated * state_->step);
    }
    return Allocation{state_, std::move(ids)};
}

void StreamIdGenerator::supply(const std::vector<std::int64_t>& ids) {
    state_->is_supplied = true;
    for (const auto id : ids) {
        if (id > state_->last_allocated && (state_->supply.empty() || id > state_->supply.back())) state_->supply.push_back(id);
    }
}

std::size_t StreamIdGenerator::supplied() const {
    return state_->supply.size();
}

void StreamIdGenerator::drop_supply() {
    state_->supply.clear();
}

bool StreamIdGenerator::skip_to(std::int64_t token) {
    if (!state_->unfinished.empty() || !state_->committed_above.empty()) return false;
    while (!state_->supply.empty() && state_->supply.front() <= token) state_->supply.pop_front();
    state_->last_allocated = std::max(state_->last_allocated, token);
    state_->current = std::max(state_->current, token);
    return true;
}

std::int64_t StreamIdGenerator::current() const {
    return state_->current;
}

void StreamIdGenerator::on_settled(std::function<void()> callback) {
    state_->settled = std::move(callback);
}

StreamIdGenerator::Allocation::Allocation(std::shared_ptr<State> owner, std::vector<std::int64_t> ids)
    : owner_{std::move(owner)}, ids_{std::move(ids)} {}

StreamIdGenerator::Allocation::Allocation(Allocation&& other) noexcept = default;

StreamIdGenerator::Allocation::~Allocation() {
    if (owner_ != nullptr) owner_->settle(ids_, {});
}

void StreamIdGenerator::Allocation::commit() {
    if (const auto owner = std::exchange(owner_, nullptr)) owner->settle(ids_, ids_);
}

void StreamIdGenerator::Allocation::commit_only(const std::vector<std::int64_t>& used) {
    if (const auto owner = std::exchange(owner_, nullptr)) owner->settle(ids_, used);
}

}  // namespace weft::storage
