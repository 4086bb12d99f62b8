#include "weft/handlers/push/notifications.hpp"

#include <charconv>
#include <unordered_map>

#include "weft/core/errors.hpp"
#include "weft/handlers/push_actions.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

std::int64_t parse_token(const std::string& text) {
    std::int64_t token = 0;
    const auto* end = text.data() + text.size();
    if (text.empty() || std::from_chars(text.data(), end, token).ptr != end || token < 0) {
        throw core::MatrixError::invalid_param("Unknown token");
    }
    return token;
}

void append_listed(std::string& out, const storage::ListedPush& push, const storage::StoredEvent& event,
                   const EventViewer& viewer) {
    boost::json::object head{{"room_id", push.room_id},
                             {"ts", push.received_ms},
                             {"read", push.read},
                             {"actions", push_actions_of_row(push.actions, push.highlight)}};
    if (push.profile_tag) head["profile_tag"] = *push.profile_tag;
    auto text = proto::to_json(head);
    text.pop_back();
    out += text;
    out += ",\"event\":";
    append_event(out, event, viewer);
    out += '}';
}

}  // namespace

Task<std::string> Notifications::list(EventViewer viewer, std::optional<std::string> from, std::size_t limit,
                                      bool highlights_only) {
    const auto before = from ? std::optional{parse_token(*from)} : std::nullopt;
    limit = std::min(limit, kLimitMax);
    auto pushes = co_await queue_.list(viewer.user_id, before, limit + 1, highlights_only);
    const bool more = pushes.size() > limit;
    if (more) pushes.pop_back();
    std::vector<proto::EventId> ids;
    for (const auto& push : pushes) ids.push_back(push.event_id);
    std::unordered_map<proto::EventId, storage::StoredEventPtr> events;
    for (auto& event : co_await events_.get_stored(std::move(ids)))
        events.emplace(event->event->event_id(), event);
    viewer.now_ms = clock_.now_ms();
    viewer.with_room_id = false;
    std::string out = "{\"notifications\":[";
    bool first = true;
    for (const auto& push : pushes) {
        const auto event = events.find(push.event_id);
        if (event == events.end()) continue;
        if (!first) out += ',';
        first = false;
        append_listed(out, push, *event->second, viewer);
    }
    out += ']';
    if (more && !pushes.empty())
        out += ",\"next_token\":\"" + std::to_string(pushes.back().stream_ordering) + '"';
    out += '}';
    co_return out;
}

}  // namespace weft::handlers
