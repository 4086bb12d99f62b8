// JSON of clients and servers: what is accepted has one canonical form, and that form reads back as the same value.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weft/proto/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace weft::proto;
    const auto parsed = parse_json({reinterpret_cast<const char*>(data), size}, {.depth_max = 50, .allow_duplicate_keys = false});
    if (!parsed || !check_canonical(*parsed)) return 0;
    const auto canonical = canonical_json(*parsed);
    const auto again = parse_json(canonical);
    if (!again || canonical_json(*again) != canonical) std::abort();
    return 0;
}
