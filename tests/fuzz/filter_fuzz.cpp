// Filters of clients: accepted or refused, never more.
#include <cstdint>
#include <string_view>

#include "weft/proto/filter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace weft::proto;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto filter = FilterDefinition::parse(text)) {
        (void)filter->matches_room("!room:example.org");
        (void)filter->room.timeline.matches("m.room.message", "@user:example.org");
    }
    (void)split_property_path(text);
    (void)wildcard_matches(text, "m.room.message");
    return 0;
}
