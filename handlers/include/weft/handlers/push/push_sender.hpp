#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/async.hpp"
#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/metrics.hpp"
#include "weft/http/message.hpp"
#include "weft/proto/state_key.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/push_action_store.hpp"
#include "weft/storage/push_queue_store.hpp"
#include "weft/storage/pusher_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Sends notifications to push gateways (Push Gateway API), for the users that fall to this process. Woken by
/// the rows of the events, receipts and pushers streams; what was sent is noted in the database, so that a
/// restart goes on where it was. One request a pusher at a time, in the order of events.
class PushSender {
public:
    struct Sources {
        const core::Clock& clock;
        storage::PusherStore& pushers;
        storage::PushQueueStore& queue;
        storage::PushActionStore& counts;
        storage::EventsStore& events;
        storage::StateStore& states;
        storage::StreamState& events_stream;
        storage::StreamState& receipts_stream;
    };
    struct Options {
        std::string self;
        std::vector<std::string> instances;  // that push; users are divided among them
        bool include_content = true;
        bool count_rooms = true;  // the badge, instead of notifications
        std::int64_t backoff_first_ms = 1'000;
        std::int64_t backoff_max_ms = 3'600'000;
        std::int64_t give_up_after_ms = 24 * 3'600'000;
    };
    /// POSTs JSON to a gateway; throws where no answer comes.
    using Post = std::function<Task<http::Response>(std::string url, std::string body)>;
    /// Removes a pusher whose key was rejected.
    using Remove = std::function<Task<void>(storage::PusherKey)>;

    PushSender(asio::any_io_executor executor, Sources sources, Options options, Post post);
    ~PushSender();

    void on_rejected(Remove remove) { remove_ = std::move(remove); }
    /// Whether this is one of the processes that push.
    bool takes_part() const;
    /// Whether notifications of this user are this process' business.
    bool is_for(const std::string& user_id) const;
    /// Loads the pushers and sends what is overdue. Nothing is sent before.
    Task<void> start();
    Task<void> stop();

private:
    struct Delivery;
    using DeliveryPtr = std::shared_ptr<Delivery>;

    void on_events(std::int64_t token, const storage::StreamRows& rows);
    void on_receipts(const storage::StreamRows& rows);
    void on_pushers(const storage::StreamRows& rows);
    Task<void> reload(storage::PusherKey key);
    void adopt(storage::Pusher pusher);
    void drop(const storage::PusherKey& key);
    void wake(const std::string& user_id, bool badge_changed);
    void run(const DeliveryPtr& delivery);

    Task<void> deliver(DeliveryPtr delivery);
    Task<bool> deliver_next(DeliveryPtr delivery);
    /// Throws where it did not reach the gateway. False if the pusher is gone now.
    Task<bool> send(DeliveryPtr delivery, boost::json::object payload);
    Task<bool> push(DeliveryPtr delivery, storage::QueuedPush push);
    /// A text in the content of the room's current state.
    Task<std::optional<std::string>> state_text(proto::RoomId room_id, proto::StateKey key,
                                                std::string member);
    Task<void> send_badge(DeliveryPtr delivery);
    Task<bool> note_progress(DeliveryPtr delivery, std::int64_t upto, bool sent);
    Task<bool> note_failure(DeliveryPtr delivery, std::int64_t at);
    Task<std::int64_t> badge(std::string user_id);

    Sources sources_;
    Options options_;
    Post post_;
    Remove remove_;
    core::Counter sent_;
    core::Counter failed_;
    std::map<std::string, std::vector<DeliveryPtr>> by_user_;
    bool started_ = false;
    std::size_t in_flight_ = 0;
    core::Signal slot_free_;
    core::BackgroundTasks tasks_;
};

}  // namespace weft::handlers
