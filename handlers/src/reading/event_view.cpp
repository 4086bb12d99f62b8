#include "weft/handlers/event_view.hpp"

#include "weft/handlers/reading/viewer_memberships.hpp"
#include "weft/proto/client_event.hpp"

namespace weft::handlers {
namespace {

std::string unsigned_of(const storage::StoredEvent& stored, const EventViewer& viewer) {
    const auto& event = *stored.event;
    const auto& metadata = event.metadata();
    proto::UnsignedFacts facts;
    facts.now_ms = viewer.now_ms;
    if (metadata.txn_id && metadata.device_id == viewer.device_id && event.sender().str() == viewer.user_id) {
        facts.transaction_id = *metadata.txn_id;
    }
    std::string redaction;
    if (stored.redacted_because) {
        redaction = proto::client_event_json(*stored.redacted_because, {});
        facts.redacted_because_json = redaction;
    }
    if (viewer.memberships) facts.membership = viewer.memberships->at(event);
    if (viewer.bundles) {
        if (const auto found = viewer.bundles->find(event.event_id()); found != viewer.bundles->end()) {
            facts.extra_members_json = found->second;
        }
    }
    return proto::client_unsigned(event, facts);
}

}  // namespace

void append_event(std::string& out, const storage::StoredEvent& event, const EventViewer& viewer) {
    if (viewer.format == proto::EventFormatWanted::kFederation) {
        out += event.event->pdu_json();
        return;
    }
    if (viewer.event_fields.empty()) {
        proto::append_client_event(out, *event.event, viewer.with_room_id, unsigned_of(event, viewer));
        return;
    }
    std::string whole;
    proto::append_client_event(whole, *event.event, viewer.with_room_id, unsigned_of(event, viewer));
    const auto parsed = proto::parse_json_object(whole);
    proto::append_json(out, parsed ? proto::only_fields(*parsed, viewer.event_fields) : proto::json::object{});
}

void append_events(std::string& out, const std::vector<storage::StoredEventPtr>& events, const EventViewer& viewer) {
    out += '[';
    bool first = true;
    for (const auto& event : events) {
        if (!first) out += ',';
        first = false;
        append_event(out, *event, viewer);
    }
    out += ']';
}

}  // namespace weft::handlers
