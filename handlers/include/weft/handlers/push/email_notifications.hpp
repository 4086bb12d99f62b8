#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/smtp.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/push_queue_store.hpp"
#include "weft/storage/pusher_store.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/three_pid_store.hpp"

namespace weft::handlers {

/// Mails users what they have not read for a while, where they have a pusher of the kind email. One mail
/// tells of all that is unread; a room that one was about then stays quiet, the longer the more often that
/// happens.
class EmailNotifications {
public:
    struct Sources {
        const core::Clock& clock;
        storage::PusherStore& pushers;
        storage::PushQueueStore& queue;
        storage::ThreePidStore& addresses;
        storage::EventsStore& events;
        storage::StateStore& states;
        storage::StreamState& events_stream;
        core::Mailer& mailer;
    };
    struct Options {
        std::string app_name;
        bool include_content = true;
        /// How long an event may stay unread before it is worth a mail.
        std::int64_t delay_ms = 600'000;
        std::int64_t look_interval_ms = 60'000;
    };
    /// Whether a user falls to this process.
    using IsFor = std::function<bool(const std::string& user_id)>;

    EmailNotifications(asio::any_io_executor executor, Sources sources, Options options, IsFor is_for);

    void start();
    Task<void> stop();
    /// Sends what is due now.
    Task<void> send_due();

private:
    struct Unread;
    Task<void> serve(storage::Pusher pusher);
    Task<std::vector<Unread>> unread_of(const storage::Pusher& pusher);
    Task<core::Mail> compose(const storage::Pusher& pusher, const std::vector<Unread>& unread);
    Task<std::string> state_text(proto::RoomId room_id, std::string type, std::string state_key,
                                 std::string member);

    Sources sources_;
    Options options_;
    IsFor is_for_;
    core::BackgroundTasks tasks_;
};

/// For how long a room is quiet after a mail about it at `now_ms`.
storage::PusherThrottle throttled(const std::optional<storage::PusherThrottle>& before, std::int64_t now_ms);

}  // namespace weft::handlers
