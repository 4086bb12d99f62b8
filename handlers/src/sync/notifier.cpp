#include "weft/handlers/sync/notifier.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "weft/proto/event_types.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::handlers {
namespace {

constexpr std::int64_t kIdleMs = 5 * 60'000;
constexpr std::int64_t kSweepIntervalMs = 60'000;
constexpr std::size_t kWokenAtOnce = 16;

/// The string at a place of a row, or "".
std::string field(const boost::json::value& row, std::size_t index) {
    const auto* array = row.if_array();
    if (!array || array->size() <= index || !(*array)[index].is_string()) return {};
    return std::string{(*array)[index].as_string()};
}

}  // namespace

Notifier::Notifier(asio::any_io_executor executor, const core::Clock& clock, storage::StateStore& states, Streams streams,
                   std::int64_t presence_interval_ms)
    : executor_{executor},
      clock_{clock},
      states_{states},
      listeners_gauge_{core::gauge("weft_notifier_listeners", "Users registered for news")},
      presence_interval_ms_{presence_interval_ms},
      tasks_{executor} {
    streams.events.on_notify([this](std::int64_t, const storage::StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = proto::replication::parse_events_row(json);
            const auto* event = row ? std::get_if<proto::replication::EventsEventRow>(&*row) : nullptr;
            if (!event) continue;
            wake_room(event->room_id);
            if (event->type == proto::event_type::kMember && event->state_key) wake_user(*event->state_key);
        }
    });
    const auto room_at = [this](std::size_t index) {
        return [this, index](std::int64_t, const storage::StreamRows& rows) {
            for (const auto& row : rows) wake_room(field(row, index));
        };
    };
    const auto user_at = [this](std::size_t index) {
        return [this, index](std::int64_t, const storage::StreamRows& rows) {
            for (const auto& row : rows) wake_user(field(row, index));
        };
    };
    streams.typing.on_notify(room_at(0));
    streams.receipts.on_notify(room_at(0));
    streams.account_data.on_notify(user_at(0));
    streams.tags.on_notify(user_at(0));
    streams.push_rules.on_notify(user_at(0));
    streams.to_device.on_notify(user_at(0));
    streams.user_signature.on_notify(user_at(0));
    streams.device_lists.on_notify([this](std::int64_t, const storage::StreamRows& rows) {
        std::vector<std::string> users;
        for (const auto& row : rows) {
            if (auto user = field(row, 0); user.starts_with('@')) users.push_back(std::move(user));
        }
        wake_sharing(std::move(users));
    });
    streams.presence.on_notify([this](std::int64_t, const storage::StreamRows& rows) {
        if (listeners_.empty()) return;
        for (const auto& row : rows) presence_changed_.insert(field(row, 0));
        if (presence_waits_) return;
        presence_waits_ = true;
        tasks_.spawn("wake_for_presence", [this] { return wake_for_presence(); });
    });
}

Notifier::~Notifier() = default;

void Notifier::wake_sharing(std::vector<std::string> users) {
    if (users.empty() || listeners_.empty()) return;
    tasks_.spawn("wake_sharing_users", [this, users = std::move(users)] { return wake_rooms_of(users); });
}

Task<void> Notifier::wake_rooms_of(std::vector<std::string> users) {
    // A room once, however many of its members are among them.
    std::set<std::string> shared;
    for (const auto& user_id : users) {
        wake_user(user_id);
        const auto rooms = co_await states_.rooms_of_user(user_id);
        for (const auto& [room_id, room] : *rooms) {
            if (room.membership == "join" && by_room_.contains(room_id.str())) shared.insert(room_id.str());
        }
    }
    for (const auto& room_id : shared) wake_room(room_id);
}

/// The first change wakes at once; what follows within the interval is told together.
Task<void> Notifier::wake_for_presence() {
    struct Done {
        bool& waits;
        ~Done() { waits = false; }
    } done{presence_waits_};
    while (!presence_changed_.empty()) {
        const auto wait_ms = next_presence_ms_ - clock_.monotonic_ms();
        if (wait_ms > 0) co_await core::sleep_for(core::Milliseconds{wait_ms});
        next_presence_ms_ = clock_.monotonic_ms() + presence_interval_ms_;
        std::vector<std::string> users{presence_changed_.begin(), presence_changed_.end()};
        presence_changed_.clear();
        co_await wake_rooms_of(std::move(users));
    }
}

std::int64_t Notifier::presence_hold_ms(const Listener& listener) const {
    if (listener.presence_told_ms == 0) return 0;
    return listener.presence_told_ms + presence_interval_ms_ - clock_.monotonic_ms();
}

void Notifier::register_rooms(const std::shared_ptr<Listener>& listener, storage::UserRoomsPtr rooms) {
    listener->rooms = std::move(rooms);
    for (const auto& [room_id, room] : *listener->rooms) {
        if (room.membership == "join") by_room_[room_id.str()].insert(listener);
    }
}

void Notifier::unregister_rooms(const std::shared_ptr<Listener>& listener) {
    if (!listener->rooms) return;
    for (const auto& [room_id, room] : *listener->rooms) {
        const auto found = by_room_.find(room_id.str());
        if (found == by_room_.end()) continue;
        found->second.erase(listener);
        if (found->second.empty()) by_room_.erase(found);
    }
}

std::shared_ptr<Notifier::Listener> Notifier::listen(const std::string& user_id, storage::UserRoomsPtr rooms) {
    sweep();
    auto& listener = listeners_[user_id];
    if (!listener) {
        listener = std::make_shared<Listener>(executor_);
        listener->user_id = user_id;
        listeners_gauge_.set(static_cast<double>(listeners_.size()));
    }
    listener->last_used_ms = clock_.monotonic_ms();
    if (listener->rooms != rooms) {
        unregister_rooms(listener);
        register_rooms(listener, std::move(rooms));
    }
    return listener;
}

void Notifier::sweep() {
    const auto now = clock_.monotonic_ms();
    if (now < next_sweep_ms_) return;
    next_sweep_ms_ = now + kSweepIntervalMs;
    std::erase_if(listeners_, [&](const auto& entry) {
        const auto& listener = entry.second;
        if (listener->signal.waiters() > 0 || now - listener->last_used_ms < kIdleMs) return false;
        unregister_rooms(listener);
        return true;
    });
    listeners_gauge_.set(static_cast<double>(listeners_.size()));
}

Task<bool> Notifier::wait(std::shared_ptr<Listener> listener, std::uint64_t generation, std::int64_t timeout_ms) {
    if (listener->generation != generation) co_return true;
    const bool woken = co_await listener->signal.wait(core::Milliseconds{timeout_ms});
    listener->last_used_ms = clock_.monotonic_ms();
    co_return woken;
}

void Notifier::wake_user(const std::string& user_id) {
    const auto found = listeners_.find(user_id);
    if (found == listeners_.end()) return;
    wake(found->second);
    wake_due();
}

void Notifier::wake_room(const std::string& room_id) {
    const auto found = by_room_.find(room_id);
    if (found == by_room_.end()) return;
    for (const auto& listener : found->second) wake(listener);
    wake_due();
}

void Notifier::wake(const std::shared_ptr<Listener>& listener) {
    ++listener->generation;
    if (listener->is_due || listener->signal.waiters() == 0) return;
    listener->is_due = true;
    due_.push_back(listener);
}

void Notifier::wake_due() {
    if (wakes_) return;
    wake_next();
    if (due_.empty()) return;
    wakes_ = true;
    tasks_.spawn("wake_listeners", [this] { return wake_the_rest(); });
}

void Notifier::wake_next() {
    for (std::size_t woken = 0; woken < kWokenAtOnce && !due_.empty(); ++woken) {
        due_.front()->is_due = false;
        due_.front()->signal.notify_all();
        due_.pop_front();
    }
}

Task<void> Notifier::wake_the_rest() {
    struct Done {
        bool& wakes;
        ~Done() { wakes = false; }
    } done{wakes_};
    while (!due_.empty()) {
        co_await asio::post(executor_, asio::use_awaitable);
        wake_next();
    }
}

void Notifier::wake_all() {
    for (auto& [user_id, listener] : listeners_) {
        ++listener->generation;
        listener->signal.notify_all();
    }
}

Task<void> Notifier::stop() { co_await tasks_.stop(); }

}  // namespace weft::handlers
