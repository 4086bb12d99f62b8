#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/room_writer.hpp"
#include "weft/replication/rpc.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::handlers {

/// EventSender for any process: hands requests to this process's RoomWriter, or to the process that owns the room.
/// Rooms belong to the configured events writers by a hash of their ID.
class EventRouter final : public EventSender {
public:
    /// `local` is null in a process that does not write events.
    EventRouter(asio::any_io_executor executor, const core::Config& config, const core::Clock& clock, RoomWriter* local,
                replication::RpcClient& rpc, storage::StreamState& events);

    Task<std::vector<SendResult>> send_all(std::vector<SendRequest> requests) override;
    Task<Created> create_room(const proto::RoomVersion& version, std::vector<SendRequest> requests) override;
    Task<void> wait_for_events(std::int64_t token) override;

    /// Told of each user whose own request makes events.
    void on_sent(std::function<void(const std::string& user_id)> callback) { on_sent_ = std::move(callback); }
    /// Users whom rc_message does not concern.
    void exempt(std::function<bool(const std::string& user_id)> is_unlimited) { is_unlimited_ = std::move(is_unlimited); }
    /// Answers the calls of other processes; only where there is a RoomWriter.
    void serve(replication::RpcServer& server);
    /// The instance that owns a room.
    const std::string& owner_of(const proto::RoomId& room_id) const;

private:
    std::string self_;
    std::string server_name_;
    std::vector<std::string> writers_;
    RoomWriter* local_;
    replication::RpcClient& rpc_;
    storage::StreamState& events_;
    core::RateLimiter limiter_;
    core::Signal advanced_;
    std::function<void(const std::string&)> on_sent_;
    std::function<bool(const std::string&)> is_unlimited_;

    void count(const std::vector<SendRequest>& requests);
};

}  // namespace weft::handlers
