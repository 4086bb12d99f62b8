#include "redis_connection.hpp"

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "weft/core/clock.hpp"
#include "weft/core/log.hpp"

namespace weft::replication {
namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = 64 * 1024;

/// What Redis says against a command; empty if it agrees.
std::string complaint(const RedisConnection& connection, const redis::Reply& reply) {
    if (!reply) return connection.error();
    return reply->type == REDIS_REPLY_ERROR ? std::string{redis::text_of(*reply)} : std::string{};
}

Task<std::string> log_in(RedisConnection& connection, std::string password, std::string name) {
    if (!password.empty()) {
        const auto reply = co_await connection.call({"AUTH", password});
        auto refused = complaint(connection, reply);
        if (!refused.empty()) co_return "AUTH: " + refused;
    }
    const auto reply = co_await connection.call({"CLIENT", "SETNAME", name});
    co_return complaint(connection, reply);
}

/// Failing is no reason not to start: it takes an ACL that forbids CLIENT to get here.
Task<void> end_predecessors(RedisConnection& connection, std::string name) {
    const auto id = co_await connection.call({"CLIENT", "ID"});
    const auto list = co_await connection.call({"CLIENT", "LIST"});
    auto refused = complaint(connection, list);
    if (refused.empty() && (!id || id->type != REDIS_REPLY_INTEGER)) refused = "CLIENT ID is not understood";
    if (!refused.empty()) {
        core::log_warning("replication", "cannot ask Redis for earlier connections of this process: {}",
                          refused);
        co_return;
    }
    for (const auto& old : redis::clients_named(redis::text_of(*list), name, id->integer)) {
        const auto killed = co_await connection.call({"CLIENT", "KILL", "ID", old});
        core::log_info("replication", "an earlier connection of {} to Redis was still open and is ended",
                       name);
        if (!killed) co_return;
    }
}

Task<RedisPair> connect_both(asio::any_io_executor executor, RedisIdentity who, std::int64_t timeout_ms) {
    RedisPair pair;
    auto subscriber = co_await connect(executor, address_of(who.redis), timeout_ms);
    if (!subscriber.socket) {
        pair.error = std::move(subscriber.error);
        co_return pair;
    }
    pair.subscriber = std::make_unique<RedisConnection>(std::move(*subscriber.socket));
    pair.error = co_await log_in(*pair.subscriber, who.redis.password,
                                 redis::client_name(who.channel, who.instance_name, "subscriber"));
    if (!pair.error.empty()) co_return pair;
    const auto subscribed = co_await pair.subscriber->call({"SUBSCRIBE", who.channel});
    pair.error = complaint(*pair.subscriber, subscribed);
    if (!pair.error.empty()) co_return pair;

    auto publisher = co_await connect(executor, address_of(who.redis), timeout_ms);
    if (!publisher.socket) {
        pair.error = std::move(publisher.error);
        co_return pair;
    }
    pair.publisher = std::make_unique<RedisConnection>(std::move(*publisher.socket));
    const auto name = redis::client_name(who.channel, who.instance_name, "publisher");
    pair.error = co_await log_in(*pair.publisher, who.redis.password, name);
    if (!pair.error.empty()) co_return pair;
    co_await end_predecessors(*pair.publisher, name);
    pair.error = pair.publisher->error();
    co_return pair;
}

}  // namespace

core::InstanceAddress address_of(const core::RedisConfig& redis) {
    return {redis.host, redis.port, redis.path};
}

Task<RedisPair> connect_to_redis(asio::any_io_executor executor, RedisIdentity who, std::int64_t timeout_ms) {
    using namespace asio::experimental::awaitable_operators;
    asio::steady_timer timer{executor, core::Milliseconds{timeout_ms}};
    auto work = connect_both(executor, std::move(who), timeout_ms);
    auto outcome = co_await (std::move(work) || timer.async_wait(kNoThrow));
    if (outcome.index() == 0) co_return std::move(std::get<0>(outcome));
    RedisPair late;
    late.error = fmt::format("no answer within {} ms", timeout_ms);
    co_return late;
}

RedisConnection::RedisConnection(StreamSocket socket) : socket_{std::move(socket)}, chunk_(kReadBytes, '\0') {
    boost::system::error_code ignored;
    socket_.plain().non_blocking(true, ignored);
}

Task<redis::Reply> RedisConnection::exchange(std::string command) {
    if (!co_await write(command)) co_return nullptr;
    while (true) {
        auto reply = next();
        if (reply || !error_.empty()) co_return reply;
        if (!co_await fill()) co_return nullptr;
    }
}

redis::Reply RedisConnection::next() {
    auto reply = reader_.next();
    if (reply) return std::move(*reply);
    fail(reply.error().message);
    return nullptr;
}

Task<bool> RedisConnection::fill() {
    const auto [error, count] = co_await socket_.async_read_some(asio::buffer(chunk_), kNoThrow);
    if (error) {
        fail(error == asio::error::eof ? "Redis closed the connection" : error.message());
        co_return false;
    }
    const auto fed = reader_.feed({chunk_.data(), count});
    if (!fed) fail(fed.error().message);
    co_return fed.has_value();
}

Task<bool> RedisConnection::write(std::string_view bytes) {
    const auto [error, count] = co_await asio::async_write(socket_, asio::buffer(bytes), kNoThrow);
    if (error) fail(error.message());
    co_return !error;
}

void RedisConnection::ping() {
    boost::system::error_code ignored;
    socket_.write_some(asio::buffer(std::string_view{"*1\r\n$4\r\nPING\r\n"}), ignored);
}

void RedisConnection::shut_down_writing() {
    boost::system::error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void RedisConnection::close() {
    fail("closed");
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void RedisConnection::fail(std::string why) {
    if (error_.empty()) error_ = std::move(why);
}

}  // namespace weft::replication
