#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weft/proto/filter.hpp"
#include "weft/storage/events_store.hpp"

namespace weft::handlers {

/// What other events say about some, in the viewer's form: event → `"m.relations":{…}`.
using EventBundles = std::unordered_map<proto::EventId, std::string>;

class ViewerMemberships;

/// Who looks at events, and how they want them.
struct EventViewer {
    std::string user_id;
    std::string device_id;
    std::int64_t now_ms = 0;
    bool with_room_id = true;               // false inside /sync
    std::vector<std::string> event_fields;  // of the filter; empty: all
    proto::EventFormatWanted format = proto::EventFormatWanted::kClient;
    std::shared_ptr<const EventBundles> bundles = nullptr;  // null: none
    std::shared_ptr<const ViewerMemberships> memberships = nullptr;
};

/// Appends an event as the viewer gets it: client form, with `unsigned` (age, transaction ID of the own device, the
/// redaction, what relates to it). Text is copied, not built, unless the filter wants single fields.
void append_event(std::string& out, const storage::StoredEvent& event, const EventViewer& viewer);
/// `[...]` of events.
void append_events(std::string& out, const std::vector<storage::StoredEventPtr>& events, const EventViewer& viewer);

}  // namespace weft::handlers
