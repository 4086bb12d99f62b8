#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "weft/proto/replication/commands.hpp"

/// What is said on a channel that all processes share, without the transport that carries it.
namespace weft::replication {

/// Recognises what we said when the channel brings it back, for lines that do not tell who said them. It
/// forgets everything once too much is outstanding: such a line then counts as another's, which is harmless.
class OwnEchoes {
public:
    void said(std::string_view line);
    /// True once for each time the line was said.
    bool is_echo(std::string_view line);
    std::size_t outstanding() const { return outstanding_; }

private:
    static constexpr std::size_t kOutstandingMax = 1'000;
    std::map<std::string, std::size_t, std::less<>> lines_;
    std::size_t outstanding_ = 0;
};

/// One process's part in the channel: which lines belong there, and what those mean that it hears. Pure.
class ChannelSession {
public:
    /// False for a line that is a connection's own business and must not be said here; else it counts as
    /// said.
    bool say(std::string_view line);

    /// Not for us: our own words, or a connection's business.
    struct Ignore {};
    /// Nobody can be told on its own connection. A row that was not understood must not be passed over: all
    /// streams have to catch up by way of a new link.
    struct Refuse {
        std::string why;
        bool was_row = false;
    };
    using Heard = std::variant<Ignore, proto::replication::RdataView, proto::replication::Command, Refuse>;
    Heard hear(std::string_view line);
    /// A line that the handler could not make sense of.
    static Refuse refuse(std::string_view line, const std::string& why);

private:
    OwnEchoes echoes_;
};

}  // namespace weft::replication
