// Any bytes as a line: what parses is written again as a line that means the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weft/proto/replication/commands.hpp"

using namespace weft::proto::replication;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line{reinterpret_cast<const char*>(data), size};
    if (line.find('\n') != line.npos) return 0;
    const auto command = parse_line(line);
    if (!command) {
        if (!format_line(Error{parse_error_text(line, command.error())})) std::abort();
        return 0;
    }
    for (const auto dialect : {Dialect::kWeft, Dialect::kSynapse115}) {
        const auto again = format_line(*command, dialect);
        if (!again) {
            if (line.size() < kLineBytesMax / 6) std::abort();  // escapes can make a line six times as long
            continue;
        }
        const auto parsed = parse_line(*again);
        if (!parsed || *parsed != *command) std::abort();
    }
    return 0;
}
