// First byte: which stream; the rest: a row. What parses is written again as a row that means the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weft/proto/replication/ascii_json.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/proto/replication/streams.hpp"

using namespace weft::proto::replication;

namespace {

/// Numbers beyond 64 bits and fractions lose their last bit in the JSON library; no row has any of its own.
bool has_inexact_number(const boost::json::value& value) {
    if (value.is_double()) return true;
    if (const auto* array = value.if_array()) {
        for (const auto& item : *array) {
            if (has_inexact_number(item)) return true;
        }
    }
    if (const auto* object = value.if_object()) {
        for (const auto& member : *object) {
            if (has_inexact_number(member.value())) return true;
        }
    }
    return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto stream = kStreams[data[0] % kStreams.size()].name;
    const auto json = parse_row_json({reinterpret_cast<const char*>(data) + 1, size - 1});
    if (!json) return 0;
    const auto row = parse_row(stream, *json);
    if (!row) return 0;
    const auto text = to_ascii_json(row_to_json(*row));
    for (const char c : text) {
        if (c == '\n' || static_cast<unsigned char>(c) >= 0x80) std::abort();
    }
    const auto json_again = parse_row_json(text);
    if (!json_again) std::abort();
    const auto row_again = parse_row(stream, *json_again);
    if (!row_again) std::abort();
    if (!has_inexact_number(*json) && row_to_json(*row_again) != row_to_json(*row)) std::abort();
    return 0;
}
