#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "http_connection.hpp"

namespace weft::loadgen {

namespace json = boost::json;

/// A homeserver refused or misunderstood us: the benchmark cannot go on.
class BenchError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Server {
    asio::ip::tcp::endpoint endpoint;
    std::string host;  // for the Host header
};

/// One account with one device, and a connection of its own.
class MatrixUser {
public:
    MatrixUser(asio::any_io_executor executor, Server server, std::string name);

    /// Registers the account (m.login.dummy) and stores the filter that all syncs use.
    Task<void> register_account();
    /// Plays an account that exists already, with a token it already has.
    Task<void> adopt_account(std::string user_id, std::string access_token);
    /// Members as they are needed (as at the beginning), or all of them, in the syncs from now on.
    enum class Members { kLazy, kFull };
    Task<void> use_filter(Members members);
    /// Creates a public room; returns its ID.
    Task<std::string> create_room(std::string name);
    Task<void> join(std::string room_id);
    /// Sends a text message with a new transaction ID; returns the event ID.
    Task<std::string> send_text(std::string room_id, std::string text);
    /// One /sync from `since()` (empty: initial), whose `next_batch` becomes the new `since()`. Returns the
    /// body.
    Task<std::string> sync(int timeout_ms, std::function<void()> sent = {});

    const std::string& since() const { return since_; }
    void forget_since() { since_.clear(); }
    void close() { connection_.close(); }

private:
    /// One request; any status but `expected` throws BenchError with the answer.
    Task<HttpResponse> request(std::string method, std::string target, std::string body,
                               std::function<void()> sent = {});
    Task<json::object> call(std::string method, std::string target, json::object body);

    HttpConnection connection_;
    std::string host_;
    std::string name_;
    std::string user_id_;
    std::string access_token_;
    std::string filter_id_;
    std::string since_;
    std::uint64_t transactions_ = 0;
};

/// Percent-encodes one segment of a path or one value of a query.
std::string url_encode(std::string_view text);

}  // namespace weft::loadgen
