// Events of every room version: whatever the bytes, an event is built or refused, and can then be asked anything.
#include <cstdint>
#include <string>

#include "weft/proto/client_event.hpp"
#include "weft/proto/event.hpp"
#include "weft/proto/redaction.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace weft::proto;
    if (size == 0) return 0;
    const auto versions = RoomVersion::all();
    const auto& version = versions[data[0] % versions.size()];
    const std::string text{reinterpret_cast<const char*>(data) + 1, size - 1};
    const auto event = Event::from_json(text, version);
    if (!event) return 0;
    (void)(*event)->redacts();
    (void)(*event)->membership();
    (void)relation_of(**event);
    (void)client_event_json(**event, {});
    (void)prune_event(**event);
    return 0;
}
