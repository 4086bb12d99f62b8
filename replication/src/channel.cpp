#include "channel.hpp"

#include "weft/proto/json.hpp"

namespace weft::replication {

namespace pr = proto::replication;

namespace {

/// How much of a line that was refused is quoted.
constexpr std::size_t kQuotedBytesMax = 200;

std::string_view name_of(std::string_view line) {
    return line.substr(0, line.find(' '));
}

/// A connection's own business: on a channel of many it means nothing.
bool is_of_a_connection(std::string_view name) {
    return name == pr::Server::kName || name == pr::Name::kName || name == pr::Ping::kName ||
           name == pr::Error::kName;
}

/// Lines that do not say whose they are, and that we must not take for another's.
bool is_anonymous(std::string_view name) {
    return name == pr::Replicate::kName || name == pr::RemoteServerUp::kName;
}

}  // namespace

void OwnEchoes::said(std::string_view line) {
    if (outstanding_ >= kOutstandingMax) {
        lines_.clear();
        outstanding_ = 0;
    }
    ++lines_[std::string{line}];
    ++outstanding_;
}

bool OwnEchoes::is_echo(std::string_view line) {
    const auto found = lines_.find(line);
    if (found == lines_.end()) return false;
    if (--found->second == 0) lines_.erase(found);
    --outstanding_;
    return true;
}

bool ChannelSession::say(std::string_view line) {
    const auto name = name_of(line);
    if (is_of_a_connection(name)) return false;
    if (is_anonymous(name)) echoes_.said(line);
    return true;
}

ChannelSession::Heard ChannelSession::hear(std::string_view line) {
    const auto name = name_of(line);
    if (line.empty() || is_of_a_connection(name)) return Ignore{};
    if (is_anonymous(name) && echoes_.is_echo(line)) return Ignore{};
    if (!proto::is_valid_utf8(line)) return refuse(line, "it is not UTF-8");
    if (const auto rdata = pr::view_rdata(line)) return *rdata;
    auto command = pr::parse_line(line);
    if (!command) return refuse(line, command.error().message);
    return std::move(*command);
}

ChannelSession::Refuse ChannelSession::refuse(std::string_view line, const std::string& why) {
    const auto name = name_of(line);
    return {pr::parse_error_text(line.substr(0, kQuotedBytesMax), {why}),
            name == pr::Rdata::kName || name == pr::Position::kName};
}

}  // namespace weft::replication
