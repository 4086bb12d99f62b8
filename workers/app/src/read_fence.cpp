#include "read_fence.hpp"

#include <algorithm>

#include "weft/core/log.hpp"

namespace weft::workers {
namespace {

/// Rows take a few milliseconds from process to process; who has not got them after this has no replication, or is overloaded.
constexpr core::Milliseconds kWaitMax{1'000};
/// A writer that is not there has said its last word in the database.
constexpr core::Milliseconds kWritersWait{5'000};

}  // namespace

ReadFence::ReadFence(asio::any_io_executor executor, const core::Config& config, Streams& streams)
    : streams_{streams},
      positions_known_{executor},
      moved_{executor},
      waits_{core::counter("weft_read_fence_waits_total", "Requests that waited for rows which other processes had announced")},
      given_up_{core::counter("weft_read_fence_given_up_total", "Requests that went on without rows which other processes had announced")} {
    if (config.shared_positions_path.empty()) return;
    positions_.emplace(config.shared_positions_path);
    // In the dialect of Synapse 1.15 a worker does not say which of its caches it invalidates.
    const bool tells_of_caches = config.is_master() || config.replication_dialect == "weft";
    for (auto* stream : streams_.all()) announce(*stream, tells_of_caches || stream != &streams_.caches);
}

Task<void> ReadFence::learn_positions(replication::ReplicationCommandHandler& replication) {
    if (!co_await replication.wait_for_writers(kWritersWait)) {
        core::log_warning("workers.read_fence", "not all writers have said where they are: taken to be where the database says");
    }
    knows_positions_ = true;
    positions_known_.notify_all();
}

void ReadFence::announce(storage::StreamState& stream, bool is_told) {
    storage::SharedPositions::Position* place = nullptr;
    if (stream.is_writer() && is_told) {
        place = positions_->claim(stream.name(), stream.self());
        if (place == nullptr) {
            core::log_warning("workers.read_fence", "no room for {} of {}: others may read it late", stream.name(), stream.self());
        } else {
            place->store(stream.position(stream.self()), std::memory_order_release);
        }
    }
    stream.on_advanced([this, place, self = stream.self()](const std::string& instance, std::int64_t token) {
        if (instance == self) {
            if (place != nullptr) place->store(token, std::memory_order_release);
        } else if (moved_.waiters() > 0) {
            moved_.notify_all();
        }
    });
}

void ReadFence::learn() {
    const auto claimed = positions_->size();
    const auto streams = streams_.all();
    for (; known_ < claimed; ++known_) {
        auto entry = positions_->at(known_);
        const auto named = [&](const auto* stream) { return stream->name() == entry.stream; };
        const auto stream = std::find_if(streams.begin(), streams.end(), named);
        if (stream == streams.end() || entry.instance == (*stream)->self()) continue;
        sources_.push_back({*stream, std::move(entry.instance), entry.position});
    }
}

std::vector<ReadFence::Missing> ReadFence::missing() {
    if (positions_ && positions_->size() != known_) learn();
    std::vector<Missing> out;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        auto& source = sources_[i];
        const auto token = source.announced->load(std::memory_order_acquire);
        if (!source.is_behind(token)) {
            source.given_up.reset();
        } else if (source.given_up && source.is_behind(*source.given_up)) {
            continue;
        } else if (source.stream->positions().contains(source.instance)) {  // else it is gone, or it never spoke
            out.push_back({i, token});
        }
    }
    return out;
}

bool ReadFence::is_open() {
    return knows_positions_ && missing().empty();
}

Task<void> ReadFence::wait() {
    while (!knows_positions_) co_await positions_known_.wait();
    auto left = missing();
    if (left.empty()) co_return;
    waits_.increment();
    const auto is_here = [this](const Missing& row) { return !sources_[row.source].is_behind(row.token); };
    const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
    for (;;) {
        std::erase_if(left, is_here);
        if (left.empty()) co_return;
        const auto rest = std::chrono::duration_cast<core::Milliseconds>(deadline - std::chrono::steady_clock::now());
        if (rest.count() <= 0) break;
        co_await moved_.wait(rest);
    }
    given_up_.increment();
    for (const auto& row : left) {
        auto& source = sources_[row.source];
        if (!source.given_up) {
            core::log_warning("workers.read_fence", "{} of {} was not here within {} ms: requests are answered without it",
                              source.stream->name(), source.instance, kWaitMax.count());
        }
        source.given_up = row.token;
    }
}

}  // namespace weft::workers
