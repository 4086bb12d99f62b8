#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/background.hpp"
#include "weft/handlers/user_data/receipts.hpp"
#include "weft/proto/event.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/push_action_store.hpp"

namespace weft::handlers {

/// Whoever sends an event has read what stands before it in its thread (client-server API, "Push Notifications":
/// a read receipt is updated "by sending an event"): moves the sender's private receipt there, if anything was unread.
/// Runs where events are written, a moment later and for many at once, so that no send waits for it. What is
/// pending when the process dies is made up for by the user's next event or receipt.
class ImpliedReceipts {
public:
    ImpliedReceipts(asio::any_io_executor executor, std::string server_name, storage::EventsStore& events,
                    storage::PushActionStore& push_actions, Receipts& receipts);

    /// Told of events once they are stored.
    void note(const std::vector<proto::EventPtr>& stored);
    Task<void> stop();

private:
    Task<void> work();
    Task<void> look_at(std::vector<proto::EventPtr> sent);
    Task<std::string> thread_of(proto::EventPtr event);

    std::string server_name_;
    storage::EventsStore& events_;
    storage::PushActionStore& push_actions_;
    Receipts& receipts_;
    /// The newest event of each user, room and event that is related to.
    std::unordered_map<std::string, proto::EventPtr> pending_;
    bool working_ = false;
    std::int64_t looked_ms_ = std::numeric_limits<std::int64_t>::min() / 2;
    core::BackgroundTasks tasks_;
};

}  // namespace weft::handlers
