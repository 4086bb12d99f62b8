// First byte: which stream; the rest: a row. What parses is written again as a row that means the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weft/proto/replication/ascii_json.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/proto/replication/streams.hpp"

using namespace weft::proto::replication;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto stream = kStreams[data[0] % kStreams.size()].name;
    const auto json = parse_row_json({reinterpret_cast<const char*>(data) + 1, size - 1});
    if (!json) return 0;
    const auto row = parse_row(stream, *json);
    if (!row) return 0;
    if (const auto* federation = std::get_if<FederationRow>(&*row)) {
        // What it holds is read by the sender, and said again by the queue.
        if (const auto item = parse_federation_item(*federation)) {
            const auto said = std::visit([](const auto& parsed) { return parsed.to_row(); }, *item);
            const auto again = parse_federation_item(said);
            if (!again || std::visit([](const auto& parsed) { return parsed.to_row(); }, *again) != said)
                std::abort();
        }
    }
    const auto text = to_ascii_json(row_to_json(*row));
    for (const char c : text) {
        if (c == '\n' || static_cast<unsigned char>(c) >= 0x80) std::abort();
    }
    const auto json_again = parse_row_json(text);
    if (!json_again) std::abort();
    const auto row_again = parse_row(stream, *json_again);
    if (!row_again || row_to_json(*row_again) != row_to_json(*row)) std::abort();
    return 0;
}
