#include "weft/handlers/event_router.hpp"

#include <charconv>

#include "events/placed_rpc.hpp"
#include "events/room_batch.hpp"
#include "events/send_rpc.hpp"
#include "weft/core/log.hpp"

namespace weft::handlers {
namespace {

constexpr core::Milliseconds kWaitForEvents{5'000};
/// How long a request looks for the owner of its room while shares change, and how often.
constexpr std::int64_t kFindOwnerMs = 60'000;
constexpr core::Milliseconds kFindOwnerPause{50};
/// How long an owner that cannot be reached is believed to be one before the table is read again.
constexpr std::int64_t kBelieveOwnerMs = 1'000;

/// `HOST PORT`, or the path of a unix socket.
std::optional<core::InstanceAddress> parse_address(const std::string& text) {
    if (text.empty()) return std::nullopt;
    const auto space = text.rfind(' ');
    if (text.front() == '/' || space == text.npos) return core::InstanceAddress{"", 0, text};
    std::uint16_t port = 0;
    std::from_chars(text.data() + space + 1, text.data() + text.size(), port);
    return core::InstanceAddress{text.substr(0, space), port, ""};
}

bool is_elsewhere(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const replication::RpcSuperseded&) {
        return true;
    } catch (const core::MatrixError& error) {
        return error.errcode == kNotTheWriter;
    } catch (...) {
        return false;
    }
}

}  // namespace

Task<SendResult> EventSender::send(SendRequest request) {
    std::vector<SendRequest> requests;
    requests.push_back(std::move(request));
    auto results = co_await send_all(std::move(requests));
    co_return std::move(results.front());
}

EventRouter::EventRouter(asio::any_io_executor executor, const core::Config& config, const core::Clock& clock,
                         RoomWriter* local, replication::RpcClient& rpc, storage::StreamState& events,
                         storage::EventWriterStore& writers, storage::CacheRegistry& caches,
                         proto::SigningKey key)
    : self_{config.instance_name.get()},
      server_name_{config.server_name},
      configured_{config.writers_of("events")},
      clock_{clock},
      local_{local},
      rpc_{rpc},
      events_{events},
      writers_{writers},
      key_{std::move(key)},
      limiter_{clock, config.rc_message},
      advanced_{std::move(executor)} {
    events_.on_advanced([this](const std::string&, std::int64_t) { advanced_.notify_all(); });
    const auto changed = [this] { shares_are_old_ = true; };
    caches.add(
        std::string{storage::EventWriterStore::kCacheName},
        [changed](const std::vector<std::string>&) { changed(); }, changed);
}

Task<void> EventRouter::read_shares() {
    shares_are_old_ = false;
    std::exception_ptr failure;
    try {
        shares_ = co_await writers_.read();
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        shares_are_old_ = true;
        std::rethrow_exception(failure);
    }
    // A writer that joined after this process started is in no configuration it has read.
    for (const auto& writer : shares_.writers) {
        if (writer.instance == self_) continue;
        if (auto address = parse_address(writer.address))
            rpc_.set_address(writer.instance, std::move(*address));
    }
}

Task<std::string> EventRouter::owner_of(proto::RoomId room_id) {
    if (shares_are_old_) co_await read_shares();
    if (const auto* owner = shares_.owner_of(room_id)) co_return owner->instance;
    // Nobody has written yet.
    co_return configured_[proto::room_shard(room_id, static_cast<std::uint32_t>(configured_.size()))];
}

/// A writer that died keeps nobody waiting once its rooms have another owner.
replication::RpcCallOptions EventRouter::unless_moved(std::string owner, proto::RoomId room_id) {
    replication::RpcCallOptions options;
    const auto until = clock_.monotonic_ms() + kBelieveOwnerMs;
    options.is_superseded = [this, until, owner = std::move(owner), room_id = std::move(room_id)] {
        return clock_.monotonic_ms() >= until || has_moved(owner, room_id);
    };
    return options;
}

bool EventRouter::has_moved(const std::string& owner, const proto::RoomId& room_id) const {
    const auto* now = shares_.owner_of(room_id);
    return shares_are_old_ || (now && now->instance != owner);
}

void EventRouter::count(const std::vector<SendRequest>& requests) {
    for (const auto& request : requests) {
        if (!request.ratelimit) continue;
        if (!is_unlimited_ || !is_unlimited_(request.draft.sender.str()))
            limiter_.acquire(request.draft.sender.str());
        if (on_sent_) on_sent_(request.draft.sender.str());
    }
}

Task<EventRouter::Answer> EventRouter::answer_of(Attempt attempt, std::string owner, proto::RoomId room_id) {
    Answer answer;
    try {
        // Who has our name in the table and no writer has been one, and is about to give it back.
        if (owner == self_ && !local_) throw core::MatrixError{503, std::string{kNotTheWriter}, "No writer here"};
        answer.results = co_await attempt(owner);
    } catch (const replication::RpcError&) {
        answer.failure = std::current_exception();
        answer.elsewhere = has_moved(owner, room_id);
    } catch (...) {
        answer.failure = std::current_exception();
    }
    answer.elsewhere = answer.elsewhere || (answer.failure && is_elsewhere(answer.failure));
    co_return answer;
}

Task<std::vector<SendResult>> EventRouter::at_owner(proto::RoomId room_id, Attempt attempt) {
    const auto until = clock_.monotonic_ms() + kFindOwnerMs;
    for (;;) {
        auto owner = co_await owner_of(room_id);
        auto answer = co_await answer_of(attempt, std::move(owner), room_id);
        if (!answer.failure) co_return std::move(answer.results);
        if (!answer.elsewhere || clock_.monotonic_ms() >= until) std::rethrow_exception(answer.failure);
        co_await core::sleep_for(kFindOwnerPause);
        shares_are_old_ = true;
    }
}

Task<std::vector<SendResult>> EventRouter::send_at(std::string owner, proto::RoomId room_id,
                                                   const proto::RoomVersion* new_room,
                                                   std::vector<SendRequest> requests) {
    if (owner == self_ && local_) {
        if (!new_room) co_return co_await local_->send_all(std::move(requests));
        auto created = co_await local_->create_room(*new_room, std::move(requests));
        co_return std::move(created.results);
    }
    SendEventsCall call{std::move(requests), new_room ? std::string{new_room->id} : std::string{}};
    auto options = unless_moved(owner, room_id);
    replication::RpcArgs args{room_id.str()};
    auto answered = co_await rpc_.call(kSendEvents, std::move(owner), std::move(args), std::move(call),
                                       std::move(options));
    co_return std::move(answered.results);
}

Task<std::vector<SendResult>> EventRouter::send_to_owner(proto::RoomId room_id,
                                                         const proto::RoomVersion* new_room,
                                                         std::vector<SendRequest> requests) {
    const Attempt attempt = [&](std::string owner) {
        return send_at(std::move(owner), room_id, new_room, requests);
    };
    co_return co_await at_owner(room_id, attempt);
}

Task<std::vector<SendResult>> EventRouter::store_at(std::string owner, std::string event_id,
                                                    PlacedEventCall call) {
    std::vector<SendResult> results;
    if (owner == self_ && local_) {
        results.push_back(co_await local_->store(call.parse(event_id)));
        co_return results;
    }
    auto options = unless_moved(owner, call.parse(event_id).event->room_id());
    replication::RpcArgs args{event_id};
    const auto answered =
        co_await rpc_.call(kStoreEvent, owner, std::move(args), std::move(call), std::move(options));
    results.push_back(
        {proto::EventId::trusted(std::move(event_id)), answered.stream_id, std::move(owner), false});
    co_return results;
}

Task<SendResult> EventRouter::store(std::string event_id, PlacedEventCall call) {
    const auto placed = call.parse(event_id);
    const auto& sender = placed.event->sender().str();
    if (call.ratelimit && (!is_unlimited_ || !is_unlimited_(sender))) limiter_.acquire(sender);
    if (call.ratelimit && on_sent_) on_sent_(sender);
    const Attempt attempt = [&](std::string owner) { return store_at(std::move(owner), event_id, call); };
    auto results = co_await at_owner(placed.event->room_id(), attempt);
    co_return std::move(results.front());
}

Task<std::int64_t> EventRouter::reject_invite_at(std::string owner, proto::RoomId room_id,
                                                 std::string user_id) {
    if (owner == self_ && local_)
        co_return co_await local_->reject_invite(std::move(room_id), std::move(user_id));
    replication::RpcArgs args{room_id.str(), std::move(user_id)};
    auto options = unless_moved(owner, std::move(room_id));
    const auto answered =
        co_await rpc_.call(kRejectInvite, std::move(owner), std::move(args), {}, std::move(options));
    co_return answered.stream_id;
}

Task<std::int64_t> EventRouter::reject_invite(proto::RoomId room_id, std::string user_id) {
    std::int64_t token = 0;
    const Attempt attempt = [&](std::string owner) -> Task<std::vector<SendResult>> {
        token = co_await reject_invite_at(std::move(owner), room_id, user_id);
        co_return std::vector<SendResult>{};
    };
    co_await at_owner(room_id, attempt);
    co_return token;
}

Task<std::vector<SendResult>> EventRouter::send_all(std::vector<SendRequest> requests) {
    count(requests);
    auto room_id = *requests.front().draft.room_id;
    co_return co_await send_to_owner(std::move(room_id), nullptr, std::move(requests));
}

Task<EventSender::Created> EventRouter::create_room(const proto::RoomVersion& version,
                                                    std::vector<SendRequest> requests) {
    count(requests);
    // From version 12 on the ID follows from the create event; the owner comes to the same one.
    Created created{place_new_room(clock_, version, server_name_, key_, requests)};
    created.results = co_await send_to_owner(created.room_id, &version, std::move(requests));
    co_return created;
}

Task<void> EventRouter::wait_for_event(SendResult result) {
    const auto until = core::SystemClock{}.monotonic_ms() + kWaitForEvents.count();
    const auto here = [&] {
        return result.writer.empty() ? events_.current() : events_.position(result.writer);
    };
    while (here() < result.stream_ordering) {
        const auto left = until - core::SystemClock{}.monotonic_ms();
        if (left <= 0) {
            core::log_warning("handlers.events", "the events stream did not reach {} in {} ms",
                              result.stream_ordering, kWaitForEvents.count());
            co_return;
        }
        co_await advanced_.wait(core::Milliseconds{left});
    }
}

void EventRouter::serve(replication::RpcServer& server) {
    server.serve<PlacedEventCall, StreamIdAnswer>(
        kSendEvent, [this](replication::RpcArgs args, PlacedEventCall call) -> Task<StreamIdAnswer> {
            const auto result = co_await store(args.at(0), std::move(call));
            co_return StreamIdAnswer{result.stream_ordering};
        });
    if (!local_) return;
    server.serve<PlacedEventCall, StreamIdAnswer>(
        kStoreEvent, [this](replication::RpcArgs args, PlacedEventCall call) -> Task<StreamIdAnswer> {
            const auto result = co_await local_->store(call.parse(args.at(0)));
            co_return StreamIdAnswer{result.stream_ordering};
        });
    server.serve<replication::RpcEmpty, StreamIdAnswer>(
        kRejectInvite, [this](replication::RpcArgs args, replication::RpcEmpty) -> Task<StreamIdAnswer> {
            const auto room_id = proto::RoomId::parse(args.at(0));
            if (!room_id) throw core::MatrixError::invalid_param("not a room ID");
            co_return StreamIdAnswer{co_await local_->reject_invite(*room_id, args.at(1))};
        });
    std::function<Task<SendEventsAnswer>(replication::RpcArgs, SendEventsCall)> answer =
        [this](replication::RpcArgs, SendEventsCall call) -> Task<SendEventsAnswer> {
        if (call.new_room_version.empty()) {
            const auto room_id = call.requests.front().draft.room_id;
            if (!room_id) throw core::MatrixError::bad_json("no room");
            SendEventsAnswer out{room_id->str(), {}};
            out.results = co_await local_->send_all(std::move(call.requests));
            co_return out;
        }
        auto created = co_await local_->create_room(proto::RoomVersion::get(call.new_room_version),
                                                    std::move(call.requests));
        co_return SendEventsAnswer{created.room_id.str(), std::move(created.results)};
    };
    server.serve(kSendEvents, std::move(answer));
}

}  // namespace weft::handlers
