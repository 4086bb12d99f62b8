#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hiredis/hiredis.h>

#include "weft/core/result.hpp"

/// What goes over a connection to Redis, without the connection: commands as bytes, bytes as replies.
namespace weft::replication::redis {

using Words = std::span<const std::string_view>;

/// Appends a command as Redis reads it.
void append_command(std::string& out, Words words);
/// Appends one PUBLISH for each line (each ends in a line feed) of `lines`; the number of lines.
std::size_t append_publishes(std::string& out, std::string_view channel, std::string_view lines);

struct FreeReply {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

/// The text of a string, status or error; empty for anything else.
std::string_view text_of(const redisReply& reply);
/// The payload of `["message", channel, payload]`; nothing for other pushes.
std::optional<std::string_view> message_of(const redisReply& reply);

/// Cuts received bytes into replies.
class ReplyReader {
public:
    /// Received but not complete; more than a reply of ours can be.
    static constexpr std::size_t kPendingBytesMax = 64 * 1024 * 1024;

    ReplyReader() : reader_{redisReaderCreate()} {}

    core::Result<void> feed(std::string_view bytes);
    /// The next reply; null if it is not complete yet.
    core::Result<Reply> next();

private:
    struct Free {
        void operator()(redisReader* reader) const { redisReaderFree(reader); }
    };
    std::unique_ptr<redisReader, Free> reader_;
};

/// A client name that Redis accepts: `weft:<server>:<instance>:<role>`, with %XX for what it does not.
std::string client_name(std::string_view server_name, std::string_view instance, std::string_view role);
/// From the answer to CLIENT LIST: IDs of the clients of this name, but for `own_id`.
std::vector<std::string> clients_named(std::string_view list, std::string_view name, std::int64_t own_id);

}  // namespace weft::replication::redis
