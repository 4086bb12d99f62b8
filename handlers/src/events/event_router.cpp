#include "weft/handlers/event_router.hpp"

#include "events/send_rpc.hpp"
#include "weft/core/log.hpp"

namespace weft::handlers {
namespace {

constexpr core::Milliseconds kWaitForEvents{5'000};

}  // namespace

Task<SendResult> EventSender::send(SendRequest request) {
    std::vector<SendRequest> requests;
    requests.push_back(std::move(request));
    auto results = co_await send_all(std::move(requests));
    co_return std::move(results.front());
}

EventRouter::EventRouter(asio::any_io_executor executor, const core::Config& config, const core::Clock& clock, RoomWriter* local,
                         replication::RpcClient& rpc, storage::StreamState& events)
    : self_{config.instance_name.get()},
      server_name_{config.server_name},
      writers_{config.writers_of("events")},
      local_{local},
      rpc_{rpc},
      events_{events},
      limiter_{clock, config.rc_message},
      advanced_{std::move(executor)} {
    events_.on_advanced([this](const std::string&, std::int64_t) { advanced_.notify_all(); });
}

const std::string& EventRouter::owner_of(const proto::RoomId& room_id) const {
    return writers_[proto::room_shard(room_id, static_cast<std::uint32_t>(writers_.size()))];
}

void EventRouter::count(const std::vector<SendRequest>& requests) {
    for (const auto& request : requests) {
        if (!request.ratelimit) continue;
        if (!is_unlimited_ || !is_unlimited_(request.draft.sender.str())) limiter_.acquire(request.draft.sender.str());
        if (on_sent_) on_sent_(request.draft.sender.str());
    }
}

Task<std::vector<SendResult>> EventRouter::send_all(std::vector<SendRequest> requests) {
    count(requests);
    const auto room_id = *requests.front().draft.room_id;
    const auto& owner = owner_of(room_id);
    if (owner == self_ && local_) co_return co_await local_->send_all(std::move(requests));
    SendEventsCall call{std::move(requests), {}};
    auto answer = co_await rpc_.call(kSendEvents, owner, {room_id.str()}, std::move(call));
    co_return std::move(answer.results);
}

Task<EventSender::Created> EventRouter::create_room(const proto::RoomVersion& version, std::vector<SendRequest> requests) {
    count(requests);
    // From version 12 on the ID follows from the create event: whoever builds it owns the room only if the ID says so, so the
    // process that builds it must be able to hand it on. With one writer there is no choice.
    const auto& known_id = requests.front().draft.room_id;
    const auto& owner = known_id ? owner_of(*known_id) : writers_.front();
    if (owner == self_ && local_) co_return co_await local_->create_room(version, std::move(requests));
    const auto argument = known_id ? known_id->str() : std::string{"new"};
    SendEventsCall call{std::move(requests), std::string{version.id}};
    auto answer = co_await rpc_.call(kSendEvents, owner, {argument}, std::move(call));
    Created created{proto::RoomId::trusted(std::move(answer.room_id))};
    created.results = std::move(answer.results);
    co_return created;
}

Task<void> EventRouter::wait_for_events(std::int64_t token) {
    const auto until = core::SystemClock{}.monotonic_ms() + kWaitForEvents.count();
    while (events_.current() < token) {
        const auto left = until - core::SystemClock{}.monotonic_ms();
        if (left <= 0) {
            core::log_warning("handlers.events", "the events stream did not reach {} in {} ms", token, kWaitForEvents.count());
            co_return;
        }
        co_await advanced_.wait(core::Milliseconds{left});
    }
}

void EventRouter::serve(replication::RpcServer& server) {
    std::function<Task<SendEventsAnswer>(replication::RpcArgs, SendEventsCall)> answer =
        [this](replication::RpcArgs, SendEventsCall call) -> Task<SendEventsAnswer> {
        if (call.new_room_version.empty()) {
            const auto room_id = call.requests.front().draft.room_id;
            if (!room_id) throw core::MatrixError::bad_json("no room");
            SendEventsAnswer out{room_id->str(), {}};
            out.results = co_await local_->send_all(std::move(call.requests));
            co_return out;
        }
        auto created = co_await local_->create_room(proto::RoomVersion::get(call.new_room_version), std::move(call.requests));
        co_return SendEventsAnswer{created.room_id.str(), std::move(created.results)};
    };
    server.serve(kSendEvents, std::move(answer));
}

}  // namespace weft::handlers
