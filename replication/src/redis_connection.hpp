#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"

#include "connect.hpp"
#include "redis_protocol.hpp"

namespace weft::replication {

/// One connection to Redis: commands go out, replies come in. Nothing it does throws for what the network
/// does; after an error it is of no use any more.
class RedisConnection {
public:
    explicit RedisConnection(StreamSocket socket);

    /// Sends a command and waits for the next reply; null: error() says why. Before anything is pipelined.
    Task<redis::Reply> call(std::initializer_list<std::string_view> words) {
        std::string command;
        redis::append_command(command, {words.begin(), words.size()});
        return exchange(std::move(command));
    }

    /// The next reply that is here already; null: fill() has to wait for more, or error() says what is wrong.
    redis::Reply next();
    /// Waits until bytes came; false: error() says why.
    Task<bool> fill();

    /// Sends all of it; the caller keeps it until then. False: error() says why.
    Task<bool> write(std::string_view bytes);
    /// Sends a PING if that takes no waiting: what does not fit now would come too late to tell anything.
    /// Not while write() is under way.
    void ping();

    /// No more is written; what was, arrives.
    void shut_down_writing();
    /// Ends what is under way.
    void close();

    /// Why something failed; empty while nothing has. The end of the connection and close() are errors too.
    const std::string& error() const { return error_; }
    int native_handle() { return socket_.native_handle(); }

private:
    Task<redis::Reply> exchange(std::string command);
    void fail(std::string why);

    StreamSocket socket_;
    redis::ReplyReader reader_;
    std::string chunk_;
    std::string error_;
};

/// The two connections of a process, ready to speak.
struct RedisPair {
    std::unique_ptr<RedisConnection> subscriber;
    std::unique_ptr<RedisConnection> publisher;
    /// Instead of them: why not.
    std::string error;
};

/// Who connects, and to what.
struct RedisIdentity {
    core::RedisConfig redis;
    std::string channel;
    std::string instance_name;
};

/// Connects twice, logs in, subscribes, and ends publishers that earlier connections of this instance left at
/// Redis: what they have said and Redis has not read yet must not come after what we are about to say.
Task<RedisPair> connect_to_redis(asio::any_io_executor executor, RedisIdentity who, std::int64_t timeout_ms);

core::InstanceAddress address_of(const core::RedisConfig& redis);

}  // namespace weft::replication
