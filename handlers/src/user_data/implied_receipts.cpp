#include "weft/handlers/user_data/implied_receipts.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/thread_search.hpp"

namespace weft::handlers {
namespace {

/// A lone event is looked at soon; where there are many, all of a second together.
constexpr std::int64_t kPauseMs = 100;
constexpr std::int64_t kBetweenLooksMs = 1'000;
constexpr std::size_t kEventsAtOnce = 1'000;
/// Programs that send and never read: their flood of events is no flood of receipts.
constexpr std::size_t kReceiptsAtOnce = 64;
constexpr std::size_t kPendingMax = 10'000;

std::string key_of(const proto::Event& event) {
    const proto::ThreadSearch search{event};
    const auto* const related = search.wanted();
    return fmt::format("{} {} {} {}", event.sender().str(), event.room_id().str(), search.thread().value_or(""),
                       related ? related->str() : "");
}

}  // namespace

ImpliedReceipts::ImpliedReceipts(asio::any_io_executor executor, std::string server_name,
                                 storage::EventsStore& events, storage::PushActionStore& push_actions,
                                 Receipts& receipts)
    : server_name_{std::move(server_name)},
      events_{events},
      push_actions_{push_actions},
      receipts_{receipts},
      tasks_{std::move(executor)} {}

void ImpliedReceipts::note(const std::vector<proto::EventPtr>& stored) {
    for (const auto& event : stored) {
        // What came before a join is not counted, and who has left reads nothing.
        if (event->type() == proto::event_type::kMember || event->sender().server_name() != server_name_) continue;
        auto key = key_of(*event);
        if (pending_.size() < kPendingMax || pending_.contains(key)) pending_.insert_or_assign(std::move(key), event);
    }
    if (working_ || pending_.empty()) return;
    working_ = true;
    tasks_.spawn("implied_receipts", [this] { return work(); });
}

Task<void> ImpliedReceipts::work() {
    while (!pending_.empty()) {
        const core::SystemClock clock;
        const auto pause = std::max(kPauseMs, looked_ms_ + kBetweenLooksMs - clock.monotonic_ms());
        co_await core::sleep_for(core::Milliseconds{pause});
        looked_ms_ = clock.monotonic_ms();
        std::vector<proto::EventPtr> sent;
        while (!pending_.empty() && sent.size() < kEventsAtOnce) {
            sent.push_back(std::move(pending_.begin()->second));
            pending_.erase(pending_.begin());
        }
        try {
            co_await look_at(std::move(sent));
        } catch (const std::exception& error) {
            if (core::is_cancellation(std::current_exception())) throw;
            core::log_warning("handlers.receipts", "what senders have read is not noted: {}", error.what());
        }
    }
    working_ = false;
}

Task<void> ImpliedReceipts::look_at(std::vector<proto::EventPtr> sent) {
    std::map<std::tuple<std::string, std::string, std::string>, proto::EventPtr> newest;
    for (const auto& event : sent) {
        auto thread = co_await thread_of(event);
        auto& known = newest[{event->sender().str(), event->room_id().str(), std::move(thread)}];
        if (!known || known->stream_ordering() < event->stream_ordering()) known = event;
    }
    std::vector<storage::ThreadPlace> places;
    std::vector<proto::EventPtr> events;
    for (const auto& [key, event] : newest) {
        const auto& [user_id, room_id, thread] = key;
        places.push_back({user_id, room_id, thread, event->stream_ordering()});
        events.push_back(event);
    }
    const auto unread = co_await push_actions_.unread_before(places);
    std::size_t receipts = 0;
    for (std::size_t i = 0; i < unread.size(); ++i) {
        if (!unread[i]) continue;
        const auto& place = places[i];
        const auto& event = events[i];
        if (++receipts > kReceiptsAtOnce) {
            pending_.try_emplace(key_of(*event), event);  // unless a newer one waits already
            continue;
        }
        std::vector<ReadPosition> positions{{ReadMarker::kReadPrivate, event->event_id().str(), place.thread}};
        try {
            co_await receipts_.set(place.user_id, event->room_id(), std::move(positions));
        } catch (const core::MatrixError& error) {
            // Gone from the room meanwhile, or the writer of receipts is away.
            core::log_debug("handlers.receipts", "{} has read {}: {}", place.user_id, event->event_id().str(), error.what());
        }
    }
}

Task<std::string> ImpliedReceipts::thread_of(proto::EventPtr event) {
    proto::ThreadSearch search{*event};
    while (const auto* const related = search.wanted()) search.found((co_await events_.get_event(*related)).get());
    co_return search.thread().value_or(storage::kMainThread);
}

Task<void> ImpliedReceipts::stop() {
    co_await tasks_.stop();
}

}  // namespace weft::handlers
