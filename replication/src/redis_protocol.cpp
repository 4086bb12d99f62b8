#include "redis_protocol.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace weft::replication::redis {
namespace {

void append_word(std::string& out, std::string_view word) {
    fmt::format_to(std::back_inserter(out), "${}\r\n", word.size());
    out += word;
    out += "\r\n";
}

/// The value of ` key=value` in a line of CLIENT LIST.
std::string_view field(std::string_view line, std::string_view key) {
    for (std::size_t at = 0; at < line.size();) {
        const auto end = std::min(line.find(' ', at), line.size());
        const auto word = line.substr(at, end - at);
        if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=')
            return word.substr(key.size() + 1);
        at = end + 1;
    }
    return {};
}

}  // namespace

void append_command(std::string& out, Words words) {
    fmt::format_to(std::back_inserter(out), "*{}\r\n", words.size());
    for (const auto word : words) append_word(out, word);
}

std::size_t append_publishes(std::string& out, std::string_view channel, std::string_view lines) {
    std::string head = "*3\r\n$7\r\nPUBLISH\r\n";
    append_word(head, channel);
    std::size_t count = 0;
    for (; !lines.empty(); ++count) {
        const auto size = std::min(lines.find('\n'), lines.size());
        out += head;
        append_word(out, lines.substr(0, size));
        lines.remove_prefix(std::min(size + 1, lines.size()));
    }
    return count;
}

std::string_view text_of(const redisReply& reply) {
    const bool is_text = reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS ||
                         reply.type == REDIS_REPLY_ERROR;
    return is_text ? std::string_view{reply.str, static_cast<std::size_t>(reply.len)} : std::string_view{};
}

std::optional<std::string_view> message_of(const redisReply& reply) {
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 3) return std::nullopt;
    if (text_of(*reply.element[0]) != "message" || reply.element[2]->type != REDIS_REPLY_STRING)
        return std::nullopt;
    return text_of(*reply.element[2]);
}

core::Result<void> ReplyReader::feed(std::string_view bytes) {
    if (reader_->len - reader_->pos + bytes.size() > kPendingBytesMax)
        return core::ParseError{"a reply is too large"};
    if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
        return core::ParseError{reader_->errstr};
    return {};
}

core::Result<Reply> ReplyReader::next() {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) return core::ParseError{reader_->errstr};
    return Reply{static_cast<redisReply*>(reply)};
}

std::string client_name(std::string_view server_name, std::string_view instance, std::string_view role) {
    std::string out;
    for (const char c : fmt::format("weft:{}:{}:{}", server_name, instance, role)) {
        if (c > ' ' && c <= '~' && c != '%') {
            out += c;
        } else {
            fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

std::vector<std::string> clients_named(std::string_view list, std::string_view name, std::int64_t own_id) {
    std::vector<std::string> ids;
    const auto own = std::to_string(own_id);
    while (!list.empty()) {
        const auto size = std::min(list.find('\n'), list.size());
        const auto line = list.substr(0, size);
        list.remove_prefix(std::min(size + 1, list.size()));
        const auto id = field(line, "id");
        if (field(line, "name") == name && !id.empty() && id != own) ids.emplace_back(id);
    }
    return ids;
}

}  // namespace weft::replication::redis
