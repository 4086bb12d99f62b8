#include "weft/handlers/push/push_sender.hpp"

#include <algorithm>
#include <set>

#include "push/push_payload.hpp"
#include "weft/core/log.hpp"
#include "weft/handlers/push_actions.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::handlers {

namespace replication = proto::replication;

namespace {

constexpr std::size_t kPushesPerLoad = 50;
constexpr std::size_t kInFlightMax = 100;

/// FNV-1a: the same in every process and version.
std::uint64_t stable_hash(const std::string& text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hash;
}

bool is_success(int status) {
    return status >= 200 && status < 300;
}

class Slot {
public:
    Slot(std::size_t& taken, core::Signal& free) : taken_{taken}, free_{free} { ++taken_; }
    ~Slot() {
        --taken_;
        free_.notify_all();
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

private:
    std::size_t& taken_;
    core::Signal& free_;
};

}  // namespace

/// One pusher on its way through the user's notifications.
struct PushSender::Delivery {
    explicit Delivery(storage::Pusher from, std::int64_t first_backoff_ms)
        : pusher{std::move(from)}, upto{pusher.settings.last_stream_ordering}, backoff_ms{first_backoff_ms} {}

    storage::Pusher pusher;
    std::int64_t upto;             // everything up to here is dealt with
    std::set<std::int64_t> ahead;  // beyond it, while another writer of events is behind
    std::int64_t backoff_ms;       // before the next attempt after a failure
    std::int64_t badge = -1;       // as the gateway was last told; -1: not known
    bool badge_changed = false;
    bool running = false;
    bool again = false;  // woken while it ran
    bool gone = false;
};

PushSender::PushSender(asio::any_io_executor executor, Sources sources, Options options, Post post)
    : sources_{sources},
      options_{std::move(options)},
      post_{std::move(post)},
      sent_{core::counter("weft_push_sent_total", "Requests to push gateways that were answered")},
      failed_{core::counter("weft_push_failed_total", "Requests to push gateways that failed")},
      slot_free_{executor},
      tasks_{executor} {
    if (!takes_part()) return;
    sources_.events_stream.on_notify(
        [this](std::int64_t token, const storage::StreamRows& rows) { on_events(token, rows); });
    sources_.receipts_stream.on_notify(
        [this](std::int64_t, const storage::StreamRows& rows) { on_receipts(rows); });
    sources_.pushers.stream().on_notify(
        [this](std::int64_t, const storage::StreamRows& rows) { on_pushers(rows); });
}

PushSender::~PushSender() = default;

bool PushSender::takes_part() const {
    return std::ranges::find(options_.instances, options_.self) != options_.instances.end();
}

bool PushSender::is_for(const std::string& user_id) const {
    if (options_.instances.empty()) return false;
    return options_.instances[stable_hash(user_id) % options_.instances.size()] == options_.self;
}

Task<void> PushSender::start() {
    if (!takes_part()) co_return;
    started_ = true;
    for (auto& pusher : co_await sources_.pushers.all()) {
        if (is_for(pusher.settings.key.user_id)) adopt(std::move(pusher));
    }
}

Task<void> PushSender::stop() {
    co_await tasks_.stop();
}

void PushSender::on_events(std::int64_t token, const storage::StreamRows& rows) {
    if (by_user_.empty()) return;
    for (const auto& json : rows) {
        const auto row = replication::parse_events_row(json);
        const auto* event = row ? std::get_if<replication::EventsEventRow>(&*row) : nullptr;
        if (!event) continue;
        const auto* marks = sources_.events.push_marks(proto::EventId::trusted(event->event_id));
        if (!marks) {
            tasks_.spawn("find_notified_users", [this, token]() -> Task<void> {
                for (const auto& user_id : co_await sources_.queue.notified(token)) wake(user_id, false);
            });
            continue;
        }
        for (const auto& mark : *marks) wake(mark.user_id, false);
    }
}

void PushSender::on_receipts(const storage::StreamRows& rows) {
    for (const auto& json : rows) {
        const auto row = replication::ReceiptsRow::parse(json);
        if (row && (row->receipt_type == "m.read" || row->receipt_type == "m.read.private"))
            wake(row->user_id, true);
    }
}

void PushSender::on_pushers(const storage::StreamRows& rows) {
    if (!started_) return;
    for (const auto& json : rows) {
        const auto row = replication::PushersRow::parse(json);
        if (!row || !is_for(row->user_id)) continue;
        const storage::PusherKey key{row->user_id, row->app_id, row->push_key};
        drop(key);
        if (!row->deleted) tasks_.spawn("load_pusher", [this, key] { return reload(key); });
    }
}

Task<void> PushSender::reload(storage::PusherKey key) {
    auto pusher = co_await sources_.pushers.get(std::move(key));
    if (pusher) adopt(std::move(*pusher));
}

void PushSender::adopt(storage::Pusher pusher) {
    if (pusher.settings.kind != "http") return;
    drop(pusher.settings.key);
    const auto user_id = pusher.settings.key.user_id;
    auto& delivery = by_user_[user_id].emplace_back(
        std::make_shared<Delivery>(std::move(pusher), options_.backoff_first_ms));
    run(delivery);
}

void PushSender::drop(const storage::PusherKey& key) {
    const auto found = by_user_.find(key.user_id);
    if (found == by_user_.end()) return;
    std::erase_if(found->second, [&](const DeliveryPtr& delivery) {
        if (delivery->pusher.settings.key != key) return false;
        delivery->gone = true;
        return true;
    });
    if (found->second.empty()) by_user_.erase(found);
}

void PushSender::wake(const std::string& user_id, bool badge_changed) {
    const auto found = by_user_.find(user_id);
    if (found == by_user_.end()) return;
    for (const auto& delivery : found->second) {
        delivery->badge_changed = delivery->badge_changed || badge_changed;
        run(delivery);
    }
}

void PushSender::run(const DeliveryPtr& delivery) {
    delivery->again = true;
    if (delivery->running) return;
    delivery->running = true;
    tasks_.spawn("http_pusher", [this, delivery] { return deliver(delivery); });
}

Task<void> PushSender::deliver(DeliveryPtr delivery) {
    struct Done {
        Delivery& delivery;
        ~Done() { delivery.running = false; }
    } done{*delivery};
    while (!delivery->gone && delivery->again) {
        delivery->again = false;
        while (co_await deliver_next(delivery)) {
        }
    }
}

/// Deals with some of what is due; false if nothing is.
Task<bool> PushSender::deliver_next(DeliveryPtr delivery) {
    const auto user_id = delivery->pusher.settings.key.user_id;
    const auto upto = sources_.events_stream.current();
    const auto limit = kPushesPerLoad + delivery->ahead.size();
    bool any = false;
    for (const auto& item : co_await sources_.queue.unread(user_id, delivery->upto, upto, limit)) {
        if (delivery->gone) co_return false;
        if (delivery->ahead.contains(item.stream_ordering)) continue;
        any = true;
        std::optional<std::string> failure;
        bool there = true;
        try {
            there = co_await push(delivery, item);
        } catch (const std::exception& error) {
            if (core::is_cancellation(std::current_exception())) throw;
            failure = error.what();
        }
        if (failure) {
            failed_.increment();
            core::log_info("push", "{} of {} at {}: {}", delivery->pusher.settings.key.app_id, user_id,
                           gateway_url(delivery->pusher), *failure);
            if (!co_await note_failure(delivery, item.stream_ordering)) co_return false;
            co_return true;
        }
        if (!there) co_return false;
        if (!co_await note_progress(delivery, item.stream_ordering, true)) co_return false;
    }
    if (any) co_return !delivery->gone;
    if (delivery->badge_changed) co_await send_badge(delivery);
    co_return false;
}

Task<bool> PushSender::push(DeliveryPtr delivery, storage::QueuedPush push) {
    std::vector<proto::EventId> ids{push.event_id};
    const auto found = co_await sources_.events.get_stored(std::move(ids));
    // What was taken back before it was told is not told.
    if (found.empty() || found.front()->redacted_because) co_return true;
    PushContent content;
    content.event = found.front()->event;
    content.actions = push_actions_of_row(push.actions, push.highlight);
    content.unread = co_await badge(delivery->pusher.settings.key.user_id);
    const auto room_id = content.event->room_id();
    content.sender_display_name = co_await state_text(
        room_id, proto::StateKey{proto::event_type::kMember, content.event->sender().str()},
        "displayname");
    content.room_name =
        co_await state_text(room_id, proto::StateKey{proto::event_type::kName}, "name");
    content.room_alias = co_await state_text(
        room_id, proto::StateKey{proto::event_type::kCanonicalAlias}, "alias");
    delivery->badge = content.unread;
    delivery->badge_changed = false;
    co_return co_await send(delivery, push_payload(delivery->pusher, content, options_.include_content));
}

Task<std::optional<std::string>> PushSender::state_text(proto::RoomId room_id, proto::StateKey key,
                                                        std::string member) {
    const auto event = co_await sources_.states.current_event(std::move(room_id), key.type(), key.state_key());
    if (!event) co_return std::nullopt;
    const auto text = proto::get_string(event->content(), member);
    if (!text) co_return std::nullopt;
    co_return std::string{*text};
}

Task<void> PushSender::send_badge(DeliveryPtr delivery) {
    delivery->badge_changed = false;
    const auto unread = co_await badge(delivery->pusher.settings.key.user_id);
    if (unread == delivery->badge) co_return;
    try {
        if (co_await send(delivery, badge_payload(delivery->pusher, unread))) delivery->badge = unread;
    } catch (const std::exception& error) {
        if (core::is_cancellation(std::current_exception())) throw;
        // The next notification carries the number anyway.
        failed_.increment();
        core::log_info("push", "badge of {} not told: {}", delivery->pusher.settings.key.user_id,
                       error.what());
    }
}

Task<bool> PushSender::send(DeliveryPtr delivery, boost::json::object payload) {
    while (in_flight_ >= kInFlightMax) co_await slot_free_.wait();
    const auto& key = delivery->pusher.settings.key;
    http::Response response;
    {
        const Slot slot{in_flight_, slot_free_};
        response = co_await post_(gateway_url(delivery->pusher), proto::to_json(payload));
    }
    if (!is_success(response.status))
        throw std::runtime_error{fmt::format("the gateway answered {}", response.status)};
    sent_.increment();
    if (!rejects(response.body, key.push_key)) co_return true;
    core::log_info("push", "{} of {} is rejected by its gateway: removed", key.app_id, key.user_id);
    const auto rejected = key;
    drop(rejected);
    if (remove_) co_await remove_(rejected);
    co_return false;
}

Task<bool> PushSender::note_progress(DeliveryPtr delivery, std::int64_t upto, bool sent) {
    // A writer that is behind may still come with earlier events.
    delivery->ahead.insert(upto);
    upto = std::max(delivery->upto, std::min(upto, sources_.events_stream.writer_positions().min()));
    delivery->upto = upto;
    delivery->ahead.erase(delivery->ahead.begin(), delivery->ahead.upper_bound(upto));
    delivery->backoff_ms = options_.backoff_first_ms;
    const auto& key = delivery->pusher.settings.key;
    const auto success = sent ? std::optional{sources_.clock.now_ms()} : std::nullopt;
    if (delivery->pusher.failing_since_ms) {
        delivery->pusher.failing_since_ms.reset();
        co_await sources_.pushers.set_failing_since(key, std::nullopt);
    }
    co_return co_await sources_.pushers.set_progress(key, upto, success) && !delivery->gone;
}

/// Waits before the next attempt; after too long a time the notification is of no use any more.
Task<bool> PushSender::note_failure(DeliveryPtr delivery, std::int64_t at) {
    const auto now_ms = sources_.clock.now_ms();
    auto& since = delivery->pusher.failing_since_ms;
    if (!since) {
        since = now_ms;
        co_await sources_.pushers.set_failing_since(delivery->pusher.settings.key, since);
    }
    if (now_ms - *since > options_.give_up_after_ms) co_return co_await note_progress(delivery, at, false);
    const auto wait_ms = delivery->backoff_ms;
    delivery->backoff_ms = std::min(wait_ms * 2, options_.backoff_max_ms);
    co_await core::sleep_for(core::Milliseconds{wait_ms});
    co_return !delivery->gone;
}

/// Unread messages and open invitations.
Task<std::int64_t> PushSender::badge(std::string user_id) {
    std::int64_t count = 0;
    const auto rooms = co_await sources_.states.rooms_of_user(user_id);
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "invite") ++count;
    }
    for (const auto& room_id : co_await sources_.queue.rooms(user_id)) {
        const auto unread = (co_await sources_.counts.unread(room_id, user_id)).notifications;
        if (unread > 0) count += options_.count_rooms ? 1 : unread;
    }
    co_return count;
}

}  // namespace weft::handlers
