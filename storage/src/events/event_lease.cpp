#include "weft/storage/event_lease.hpp"

#include <algorithm>
#include <utility>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/core/random.hpp"

namespace weft::storage {
namespace {

/// Tokens taken from the database's sequence at a time: by the only writer, so many that the few sends beside
/// which the next ones are brought do not matter; by one of several, whose tokens soon are of no use any
/// more, at most. The events table counts in 32 bits: what is thrown away is lost for good.
constexpr std::size_t kTokensPerBlock = 256;
constexpr std::size_t kFreshTokensMax = 64;
/// With so few left besides what is asked for, the only writer takes the next ones.
constexpr std::size_t kTokensLow = 32;
/// How long they may be used where there are other writers: tokens of all follow time to within as much, so
/// that what is sorted by them (rooms in sliding sync, public histories) is in the order in which it
/// happened.
constexpr std::int64_t kTokensFreshMs = 10;
/// How far behind others' positions an idle writer may stay.
constexpr core::Milliseconds kIdleAdvance{1'000};
/// How long a former owner of rooms has to announce its last events before somebody else does.
constexpr core::Milliseconds kEndedAfter{200};
/// How long a new owner of rooms waits for the news of the one before.
constexpr core::Milliseconds kOthersWait{5'000};

}  // namespace

EventLease::EventLease(asio::any_io_executor executor, EventWriterStore& writers, StreamState& events,
                       Options options)
    : writers_{writers},
      events_{events},
      options_{std::move(options)},
      holder_{core::random_letters(16)},
      changed_{executor},
      tasks_{executor} {
    events_.on_advanced([this](const std::string& instance, std::int64_t) {
        changed_.notify_all();
        if (instance != options_.instance) follow_others();
    });
}

bool EventLease::owns(const proto::RoomId& room_id) const {
    if (number_ == 0) return false;
    const auto* owner = shares_.owner_of(room_id);
    return owner && owner->instance == options_.instance;
}

Task<void> EventLease::ensure() {
    while (number_ == 0) {
        if (left_) co_return;
        if (joining_) {
            co_await changed_.wait(kIdleAdvance);
            continue;
        }
        joining_ = true;
        std::exception_ptr failure;
        try {
            if (ready_) co_await ready_();
            co_await join();
            if (left_) co_await give_back(holder_);
        } catch (...) {
            failure = std::current_exception();
        }
        joining_ = false;
        changed_.notify_all();
        if (failure) std::rethrow_exception(failure);
    }
}

Task<void> EventLease::join() {
    auto joined = co_await writers_.join({options_.instance, holder_, options_.address, options_.configured});
    shares_ = std::move(joined.shares);
    events_.supply({});  // from now on tokens come from the sequence
    events_.drop_supply();
    events_.skip_to(joined.token);
    co_await wait_for_others();
    number_ = joined.lease;
    core::log_info("storage.events", "writes the events of one of {} shares of rooms", shares_.shards());
}

/// Nobody is to hear of an event of ours in a room before those that its former owner stored there: what we
/// announce comes after what we have heard ourselves.
Task<void> EventLease::wait_for_others() {
    const auto newest = co_await writers_.newest_tokens(events_.writer_positions().min());
    const auto began = core::SystemClock{}.monotonic_ms();
    bool has_told = false;
    const auto behind = [&] {
        const auto here = events_.writer_positions();
        for (const auto& [tag, token] : newest) {
            if (tag != writer_tag(options_.instance) && !here.covers(tag, token)) return true;
        }
        return false;
    };
    while (behind()) {
        const auto waited = core::SystemClock{}.monotonic_ms() - began;
        if (waited >= kEndedAfter.count() && !std::exchange(has_told, true)) tell_of_ended(newest);
        if (waited >= kOthersWait.count()) {
            core::log_warning("storage.events",
                              "the former writers of our rooms have not told of their last events");
            co_return;
        }
        const auto& until = has_told ? kOthersWait : kEndedAfter;
        co_await changed_.wait(core::Milliseconds{std::max<std::int64_t>(1, until.count() - waited)});
    }
}

/// Whoever has no rooms any more has committed its last event, whether it lives or not.
void EventLease::tell_of_ended(const std::vector<std::pair<std::uint32_t, std::int64_t>>& newest) const {
    if (!ended_) return;
    for (const auto& [tag, token] : newest) {
        for (const auto& writer : shares_.writers) {
            const bool is_behind =
                writer_tag(writer.instance) == tag && events_.position(writer.instance) < token;
            if (is_behind && !writer.shard) ended_(writer.instance, token);
        }
    }
}

Task<void> EventLease::refresh() {
    const auto before = number_;
    auto shares = co_await writers_.read();
    if (number_ != before) co_return;  // somebody else has looked meanwhile
    const auto* self = shares.find(options_.instance);
    if (!self || self->holder != holder_) {
        // Another process has our name: it is the writer.
        core::log_error("storage.events",
                        "another process writes events under the name {}: this one does not any more",
                        options_.instance);
        number_ = 0;
        left_ = true;
        co_return;
    }
    const auto lease = self->lease;
    const bool has_rooms = self->shard.has_value();
    shares_ = std::move(shares);
    if (lease == number_) co_return;
    if (has_rooms) co_await wait_for_others();
    events_.drop_supply();
    number_ = lease;
}

Task<void> EventLease::leave() {
    if (std::exchange(left_, true)) co_return;
    // Before it has joined, a process answers for the one that had its name and may have died.
    co_await give_back(number_ == 0 ? std::string{} : holder_);
}

Task<void> EventLease::give_back(std::string holder) {
    if (co_await writers_.leave(options_.instance, std::move(holder)) && number_ != 0) co_await refresh();
}

Task<void> EventLease::stop() {
    co_await tasks_.stop();
}

Task<void> EventLease::prepare_tokens(std::size_t count) {
    const bool alone = shares_.shards() == 1;
    if (!alone && core::SystemClock{}.monotonic_ms() - supplied_ms_ > kTokensFreshMs) drop_old_tokens();
    while (events_.supplied() < count) {
        if (fetching_) {
            co_await changed_.wait(kIdleAdvance);
            continue;
        }
        // Used up while they were fresh: more are of use.
        if (!alone && fetched_ > 0) fresh_tokens_ = std::min(2 * fresh_tokens_, kFreshTokensMax);
        co_await fetch_tokens(std::max(count, alone ? kTokensPerBlock : fresh_tokens_));
    }
    // The only writer's tokens keep: it has the next ones brought before these are used up, and no send waits
    // for them.
    if (alone && !prefetching_ && events_.supplied() < count + kTokensLow) {
        prefetching_ = true;
        tasks_.spawn("prefetch_event_tokens", [this] { return prefetch_tokens(); });
    }
}

/// Next time as many are taken as were of use.
void EventLease::drop_old_tokens() {
    const auto left = events_.supplied();
    if (fetched_ > 0 && left > 0)
        fresh_tokens_ = std::max<std::size_t>(1, fetched_ - std::min(fetched_, left));
    fetched_ = 0;
    events_.drop_supply();
}

Task<void> EventLease::prefetch_tokens() {
    struct Done {
        bool& prefetching;
        ~Done() { prefetching = false; }
    } done{prefetching_};
    if (!fetching_) co_await fetch_tokens(kTokensPerBlock);
}

Task<void> EventLease::fetch_tokens(std::size_t count) {
    fetching_ = true;
    const auto lease = number_;
    const auto asked_ms = core::SystemClock{}.monotonic_ms();
    std::vector<std::int64_t> tokens;
    std::exception_ptr failure;
    try {
        tokens = co_await writers_.next_tokens(count);
    } catch (...) {
        failure = std::current_exception();
    }
    fetching_ = false;
    // Under another lease our rooms may hold newer ones.
    if (lease == number_) {
        events_.supply(tokens);
        fetched_ = tokens.size();
        supplied_ms_ = asked_ms;
    }
    changed_.notify_all();
    if (failure) std::rethrow_exception(failure);
}

/// A writer that has nothing to write must not hold back the lower bound of everybody's position.
void EventLease::follow_others() {
    if (following_ || number_ == 0) return;
    following_ = true;
    tasks_.spawn("follow_event_writers", [this] { return skip_to_others(); });
}

Task<void> EventLease::skip_to_others() {
    co_await core::sleep_for(kIdleAdvance);
    following_ = false;
    // What the sequence gives from here on is above all that others were given; what it is giving right now
    // may not be.
    const auto newest = events_.current();
    if (!fetching_ && newest > events_.position(options_.instance)) events_.skip_to(newest);
}

}  // namespace weft::storage
