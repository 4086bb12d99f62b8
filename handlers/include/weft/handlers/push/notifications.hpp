#pragma once

#include <optional>
#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/event_view.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/push_queue_store.hpp"

namespace weft::handlers {

/// The list of what a user was notified of (client-server API, "Listing Notifications").
class Notifications {
public:
    static constexpr std::size_t kLimitMax = 500;

    Notifications(storage::PushQueueStore& queue, storage::EventsStore& events, const core::Clock& clock)
        : queue_{queue}, events_{events}, clock_{clock} {}

    /// The body of GET /notifications; `from` is the `next_token` of an earlier answer. Throws
    /// M_INVALID_PARAM for another token.
    Task<std::string> list(EventViewer viewer, std::optional<std::string> from, std::size_t limit,
                           bool highlights_only);

private:
    storage::PushQueueStore& queue_;
    storage::EventsStore& events_;
    const core::Clock& clock_;
};

}  // namespace weft::handlers
