#include "weft/handlers/push/email_notifications.hpp"

#include <algorithm>
#include <map>

#include "push/notification_mail.hpp"
#include "weft/core/async.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;

namespace {

/// What one mail tells at most; the rest is for the next.
constexpr std::size_t kEventsPerMail = 50;
constexpr std::int64_t kPauseFirstMs = 600'000;
constexpr std::int64_t kPauseFactor = 144;
constexpr std::int64_t kPauseMaxMs = 24 * 3'600'000;
/// After this long without a mail about a room it is as if there had been none.
constexpr std::int64_t kForgottenAfterMs = 2 * kPauseMaxMs;

}  // namespace

storage::PusherThrottle throttled(const std::optional<storage::PusherThrottle>& before, std::int64_t now_ms) {
    if (!before || now_ms - before->last_sent_ms > kForgottenAfterMs) return {now_ms, kPauseFirstMs};
    return {now_ms, std::clamp(before->pause_ms * kPauseFactor, kPauseFirstMs, kPauseMaxMs)};
}

struct EmailNotifications::Unread {
    storage::QueuedPush push;
    proto::EventPtr event;  // null: it is gone, or was taken back
};

EmailNotifications::EmailNotifications(asio::any_io_executor executor, Sources sources, Options options,
                                       IsFor is_for)
    : sources_{sources},
      options_{std::move(options)},
      is_for_{std::move(is_for)},
      tasks_{std::move(executor)} {}

void EmailNotifications::start() {
    tasks_.spawn("email_pushers", [this]() -> Task<void> {
        for (;;) {
            co_await core::sleep_for(core::Milliseconds{options_.look_interval_ms});
            co_await send_due();
        }
    });
}

Task<void> EmailNotifications::stop() {
    co_await tasks_.stop();
}

Task<void> EmailNotifications::send_due() {
    std::vector<storage::Pusher> pushers;
    try {
        pushers = co_await sources_.pushers.with_news("email");
    } catch (const core::StoreError& error) {
        core::log_warning("push", "e-mail pushers cannot be read: {}", error.what());
    }
    for (auto& pusher : pushers) {
        const auto user_id = pusher.settings.key.user_id;
        if (!is_for_(user_id)) continue;
        try {
            co_await serve(std::move(pusher));
        } catch (const core::SmtpError& error) {
            core::log_warning("push", "no mail to {}: {}", user_id, error.what());
        } catch (const core::StoreError& error) {
            core::log_warning("push", "e-mail pusher of {}: {}", user_id, error.what());
        }
    }
}

Task<void> EmailNotifications::serve(storage::Pusher pusher) {
    auto unread = co_await unread_of(pusher);
    if (unread.empty()) co_return;
    const auto last = unread.back().push.stream_ordering;
    std::erase_if(unread, [](const Unread& item) { return !item.event; });
    const auto now_ms = sources_.clock.now_ms();
    const auto throttles = co_await sources_.pushers.throttles(pusher.id);
    const auto throttle_of = [&](const std::string& room_id) {
        const auto found = throttles.find(room_id);
        return found == throttles.end() ? std::nullopt : std::optional{found->second};
    };
    const auto is_due = [&](const Unread& item) {
        const auto throttle = throttle_of(item.push.room_id);
        const auto quiet_until = throttle ? throttle->last_sent_ms + throttle->pause_ms : 0;
        return now_ms >= std::max(item.event->origin_server_ts() + options_.delay_ms, quiet_until);
    };
    const auto due = std::ranges::find_if(unread, is_due);
    if (!unread.empty() && due == unread.end()) co_return;
    auto key = pusher.settings.key;
    if (co_await sources_.addresses.owner_of("email", key.push_key) != key.user_id) {
        std::vector<storage::PusherKey> gone{std::move(key)};
        co_await sources_.pushers.remove_all(std::move(gone));
        co_return;
    }
    if (!unread.empty()) co_await sources_.mailer.send(co_await compose(pusher, unread));
    co_await sources_.pushers.set_progress(std::move(key), last, now_ms);
    if (unread.empty()) co_return;
    const auto& room_id = due->push.room_id;
    co_await sources_.pushers.set_throttle(pusher.id, room_id, throttled(throttle_of(room_id), now_ms));
}

Task<std::vector<EmailNotifications::Unread>> EmailNotifications::unread_of(const storage::Pusher& pusher) {
    const auto upto = sources_.events_stream.writer_positions().min();
    auto pushes = co_await sources_.queue.unread(pusher.settings.key.user_id,
                                                 pusher.settings.last_stream_ordering, upto, kEventsPerMail);
    std::vector<proto::EventId> ids;
    for (const auto& push : pushes) ids.push_back(push.event_id);
    std::map<std::string, proto::EventPtr> events;
    for (const auto& stored : co_await sources_.events.get_stored(std::move(ids))) {
        if (!stored->redacted_because) events.emplace(stored->event->event_id().str(), stored->event);
    }
    std::vector<Unread> out;
    for (auto& push : pushes) {
        const auto found = events.find(push.event_id.str());
        auto event = found == events.end() ? nullptr : found->second;
        out.push_back({std::move(push), std::move(event)});
    }
    co_return out;
}

Task<core::Mail> EmailNotifications::compose(const storage::Pusher& pusher,
                                             const std::vector<Unread>& unread) {
    std::vector<MailedRoom> rooms;
    for (const auto& item : unread) {
        const auto& room_id = item.event->room_id();
        auto room = std::ranges::find(rooms, room_id.str(), &MailedRoom::room_id);
        if (room == rooms.end()) {
            auto name = co_await state_text(room_id, std::string{event_type::kName}, "", "name");
            if (name.empty())
                name = co_await state_text(room_id, std::string{event_type::kCanonicalAlias}, "", "alias");
            rooms.push_back({room_id.str(), std::move(name), {}});
            room = std::prev(rooms.end());
        }
        const auto& sender = item.event->sender().str();
        const auto place = room - rooms.begin();
        const auto name =
            co_await state_text(room_id, std::string{event_type::kMember}, sender, "displayname");
        rooms[static_cast<std::size_t>(place)].lines.push_back(
            mailed_line(*item.event, name.empty() ? sender : name, options_.include_content));
    }
    co_return notification_mail(pusher.settings.key.push_key, options_.app_name, rooms);
}

Task<std::string> EmailNotifications::state_text(proto::RoomId room_id, std::string type,
                                                 std::string state_key, std::string member) {
    const auto event =
        co_await sources_.states.current_event(std::move(room_id), std::move(type), std::move(state_key));
    if (!event) co_return std::string{};
    co_return std::string{proto::get_string(event->content(), member).value_or("")};
}

}  // namespace weft::handlers
