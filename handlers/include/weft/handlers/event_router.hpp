#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/room_writer.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/replication/rpc.hpp"
#include "weft/storage/event_writer_store.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::handlers {

struct PlacedEventCall;

/// EventSender for any process: hands requests to this process's RoomWriter, or to the process that owns the
/// room. Rooms belong to the writers of events by a hash of their ID, as the table of writers has it; while
/// that changes, or a writer is away, requests wait and are sent again to whoever owns the room then.
class EventRouter final : public EventSender {
public:
    /// `local` is null in a process that does not write events.
    EventRouter(asio::any_io_executor executor, const core::Config& config, const core::Clock& clock,
                RoomWriter* local, replication::RpcClient& rpc, storage::StreamState& events,
                storage::EventWriterStore& writers, storage::CacheRegistry& caches, proto::SigningKey key);

    Task<std::vector<SendResult>> send_all(std::vector<SendRequest> requests) override;
    Task<Created> create_room(const proto::RoomVersion& version, std::vector<SendRequest> requests) override;
    Task<void> wait_for_event(SendResult result) override;

    /// Told of each user whose own request makes events.
    void on_sent(std::function<void(const std::string& user_id)> callback) { on_sent_ = std::move(callback); }
    /// Users whom rc_message does not concern.
    void exempt(std::function<bool(const std::string& user_id)> is_unlimited) {
        is_unlimited_ = std::move(is_unlimited);
    }
    /// An event that another process has built, as it says by `send_event`, goes to the writer of its room.
    /// Throws as RoomWriter::store().
    Task<SendResult> store(std::string event_id, PlacedEventCall call);
    /// As RoomWriter::reject_invite(), by the writer of the room.
    Task<std::int64_t> reject_invite(proto::RoomId room_id, std::string user_id);
    /// Answers the calls of other processes.
    void serve(replication::RpcServer& server);

private:
    struct Answer {
        std::vector<SendResult> results;
        std::exception_ptr failure;
        bool elsewhere = false;  // nothing was done: the room has another owner
    };
    Task<std::vector<SendResult>> send_to_owner(proto::RoomId room_id, const proto::RoomVersion* new_room,
                                                std::vector<SendRequest> requests);
    /// What to do at a process that may be the room's owner.
    using Attempt = std::function<Task<std::vector<SendResult>>(std::string owner)>;
    Task<Answer> answer_of(Attempt attempt, std::string owner, proto::RoomId room_id);
    Task<std::vector<SendResult>> at_owner(proto::RoomId room_id, Attempt attempt);
    Task<std::vector<SendResult>> send_at(std::string owner, proto::RoomId room_id,
                                          const proto::RoomVersion* new_room,
                                          std::vector<SendRequest> requests);
    Task<std::vector<SendResult>> store_at(std::string owner, std::string event_id, PlacedEventCall call);
    Task<std::int64_t> reject_invite_at(std::string owner, proto::RoomId room_id, std::string user_id);
    /// The instance that owns a room now.
    Task<std::string> owner_of(proto::RoomId room_id);
    Task<void> read_shares();
    bool has_moved(const std::string& owner, const proto::RoomId& room_id) const;
    replication::RpcCallOptions unless_moved(std::string owner, proto::RoomId room_id);
    void count(const std::vector<SendRequest>& requests);

    std::string self_;
    std::string server_name_;
    std::vector<std::string> configured_;
    const core::Clock& clock_;
    RoomWriter* local_;
    replication::RpcClient& rpc_;
    storage::StreamState& events_;
    storage::EventWriterStore& writers_;
    proto::SigningKey key_;
    storage::EventWriterShares shares_;
    bool shares_are_old_ = true;
    core::RateLimiter limiter_;
    core::Signal advanced_;
    std::function<void(const std::string&)> on_sent_;
    std::function<bool(const std::string&)> is_unlimited_;
};

}  // namespace weft::handlers
