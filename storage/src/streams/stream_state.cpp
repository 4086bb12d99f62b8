#include "weft/storage/stream_state.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "weft/core/log.hpp"

namespace weft::storage {

namespace {

/// Rows that wait for a stream with the same counter; beyond, the oldest are told of too early.
constexpr std::size_t kHeldMax = 10'000;

/// A listener's mistake must not stop the stream: it is logged, and the next listener is called.
template <class Functions, class... Args>
void call_all(const std::string& stream, const char* what, const Functions& functions, const Args&... args) {
    // By index: a listener may register another one.
    for (std::size_t i = 0; i < functions.size(); ++i) {
        try {
            functions[i](args...);
        } catch (const std::exception& error) {
            core::log_error("streams", "stream {}: {} failed: {}", stream, what, error.what());
        } catch (...) {
            core::log_error("streams", "stream {}: {} failed", stream, what);
        }
    }
}

}  // namespace

/// One counter and the streams that take their tokens from it.
struct StreamState::IdSpace {
    struct Pending {
        StreamState* stream;
        StreamRows rows;
    };

    std::vector<StreamState*> members;
    std::int64_t step = 1;
    std::unique_ptr<StreamIdGenerator> generator;
    std::map<std::int64_t, Pending> pending;  // by token: committed, but something lower is still open
    bool draining = false;
    /// The newest token that came live, in the writer's order: whoever is not behind has everything up to it.
    /// Rows that were fetched say nothing of the others.
    std::int64_t live_upto = 0;

    std::multimap<std::int64_t, Pending> held;  // by token: visible, but not up to shared_current()
};

StreamState::StreamState(std::string name, std::string self, std::vector<std::string> writers)
    : name_{std::move(name)},
      self_{std::move(self)},
      writers_{std::move(writers)},
      ids_{std::make_shared<IdSpace>()} {
    ids_->members.push_back(this);
}

StreamState::~StreamState() {
    std::erase(ids_->members, this);
    std::erase_if(ids_->pending, [this](const auto& entry) { return entry.second.stream == this; });
    std::erase_if(ids_->held, [this](const auto& entry) { return entry.second.stream == this; });
    // The generator calls back into us; an allocation may outlive both.
    if (ids_->members.empty()) ids_->generator.reset();
}

void StreamState::share_ids_with(StreamState& other) {
    if (ids_ == other.ids_) return;
    if (!positions_.empty() || !other.positions_.empty()) {
        throw std::logic_error{fmt::format("streams {} and {} are already seeded", name_, other.name_)};
    }
    ids_ = other.ids_;
    ids_->members.push_back(this);
}

bool StreamState::is_writer() const {
    return std::ranges::find(writers_, self_) != writers_.end();
}

void StreamState::seed(const std::map<std::string, std::int64_t>& positions, std::int64_t step) {
    positions_ = positions;
    auto last = current();
    if (is_writer()) {
        // Streams with one counter must not count from the smaller of two seeds.
        for (const auto* member : ids_->members) last = std::max(last, member->current());
        for (auto* member : ids_->members) member->positions_[self_] = last;
        ids_->step = step;
        ids_->generator = std::make_unique<StreamIdGenerator>(last * step, step);
        ids_->generator->on_settled([space = std::weak_ptr{ids_}] {
            if (const auto alive = space.lock()) drain(alive);
        });
    }
    changes_.reset(last);
}

void StreamState::seed(std::int64_t position, std::int64_t step) {
    seed(std::map<std::string, std::int64_t>{{writers_.empty() ? self_ : writers_.front(), position}}, step);
}

std::int64_t StreamState::current() const {
    std::int64_t newest = 0;
    for (const auto& [instance, token] : positions_) newest = std::max(newest, token);
    return newest;
}

std::int64_t StreamState::position(const std::string& instance) const {
    const auto found = positions_.find(instance);
    return found == positions_.end() ? 0 : found->second;
}

std::int64_t StreamState::shared_current() const {
    if (ids_->members.size() == 1) return current();
    auto visible = std::numeric_limits<std::int64_t>::max();
    for (const auto* member : ids_->members) {
        const auto heard_of = member->behind_ ? member->complete_upto_ : ids_->live_upto;
        visible = std::min(visible, std::max(member->current(), heard_of));
    }
    return visible;
}

void StreamState::set_behind(bool behind) {
    if (behind == behind_) return;
    if (behind) complete_upto_ = shared_current();
    behind_ = behind;
    tell_held(*ids_);
}

StreamIdGenerator::Allocation StreamState::allocate(std::size_t count) {
    if (!ids_->generator)
        throw std::logic_error{fmt::format("{} does not write the stream {}", self_, name_)};
    return ids_->generator->next(count);
}

void StreamState::publish(StreamIdGenerator::Allocation allocation,
                          std::vector<std::pair<std::int64_t, boost::json::value>> rows) {
    std::vector<std::int64_t> used;
    for (auto& [id, row] : rows) {
        if (used.empty() || used.back() != id) used.push_back(id);
        auto& pending = ids_->pending.try_emplace(id * ids_->step, IdSpace::Pending{this, {}}).first->second;
        pending.rows.push_back(std::move(row));
    }
    allocation.commit_only(used);  // the generator calls drain()
}

void StreamState::drain(const std::shared_ptr<IdSpace>& space) {
    // A listener may publish; its rows then come after those that are being delivered, never in between.
    if (space->draining) return;
    space->draining = true;
    std::int64_t drained = 0;
    StreamState* last = nullptr;
    while (!space->pending.empty() && space->generator) {
        const auto first = space->pending.begin();
        const auto token = first->first;
        if (token > space->generator->current() * space->step) break;
        auto* const stream = first->second.stream;
        const auto rows = std::move(first->second.rows);
        space->pending.erase(first);

        stream->invalidate(token, rows);
        for (auto* member : space->members) member->move_position(member->self_, token);
        stream->notify(token, rows);
        stream->send(token, rows);
        drained = token;
        last = stream;
    }
    // The others of the ID space moved without rows: whoever follows them is told how far.
    for (auto* member : space->members) {
        if (last && member != last) member->send(drained, {});
    }
    space->draining = false;
}

void StreamState::announce(std::int64_t token, const StreamRows& rows) {
    apply(self_, token, rows);
    send(token, rows);
}

void StreamState::apply(const std::string& instance, std::int64_t token, const StreamRows& rows) {
    invalidate(token, rows);
    move_position(instance, token);
    if (!behind_) ids_->live_upto = std::max(ids_->live_upto, token);
    if (ids_->members.size() == 1 || token <= shared_current()) {
        notify(token, rows);
    } else {
        ids_->held.emplace(token, IdSpace::Pending{this, rows});
    }
    tell_held(*ids_);
}

void StreamState::advance(const std::string& instance, std::int64_t token) {
    move_position(instance, token);
    if (!behind_) ids_->live_upto = std::max(ids_->live_upto, token);
    tell_held(*ids_);
}

void StreamState::rewind(const std::string& instance, std::int64_t token) {
    positions_[instance] = token;
    changes_.reset(token);
    call_all(name_, "a position listener", advanced_, instance, token);
}

void StreamState::invalidate(std::int64_t token, const StreamRows& rows) {
    call_all(name_, "an invalidation", invalidate_, token, rows);
}

void StreamState::move_position(const std::string& instance, std::int64_t token) {
    auto& position = positions_[instance];
    if (token <= position) return;
    position = token;
    call_all(name_, "a position listener", advanced_, instance, token);
}

void StreamState::notify(std::int64_t token, const StreamRows& rows) {
    call_all(name_, "a listener", notify_, token, rows);
}

void StreamState::tell_held(IdSpace& space) {
    if (space.held.empty()) return;
    const auto visible = space.members.front()->shared_current();
    while (!space.held.empty() && (space.held.begin()->first <= visible || space.held.size() > kHeldMax)) {
        const auto token = space.held.begin()->first;
        const auto held = std::move(space.held.begin()->second);
        space.held.erase(space.held.begin());
        held.stream->notify(token, held.rows);
    }
}

void StreamState::send(std::int64_t token, const StreamRows& rows) {
    if (!publisher_) return;
    try {
        publisher_(token, rows);
    } catch (const std::exception& error) {
        core::log_error("streams", "stream {}: cannot announce token {}: {}", name_, token, error.what());
    }
}

}  // namespace weft::storage
