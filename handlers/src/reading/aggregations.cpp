#include "weft/handlers/reading/aggregations.hpp"

#include <map>

#include "weft/handlers/reading/viewer_memberships.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json_writer.hpp"

namespace weft::handlers {
namespace {

/// What the specification asks of an edit beyond sender, type and room, which the store has compared
/// ("Validity of replacement events").
bool is_valid_edit(const proto::Event& edit, const proto::Event& original) {
    if (edit.is_state() || original.is_state()) return false;
    const auto relation = proto::relation_of(original);
    if (relation && relation->rel_type == "m.replace") return false;
    // What an encrypted edit holds only its readers know.
    return edit.type() == proto::event_type::kEncrypted || proto::get_object(edit.content(), "m.new_content");
}

/// The thread as somebody sees it who ignores some of its writers.
struct ThreadView {
    std::int64_t events = 0;
    bool participated = false;
    const storage::ThreadPart* latest = nullptr;

    ThreadView(const storage::EventRelations& relations, const std::string& user_id,
               const IgnoredUsers& ignored) {
        for (const auto& part : relations.thread) {
            if (ignored.contains(part.sender)) continue;
            events += part.events;
            participated = participated || part.sender == user_id;
            if (!latest || latest->place < part.place) latest = &part;
        }
    }
};

}  // namespace

/// What is written, and the events it takes.
struct Aggregations::Shown {
    const EventViewer& viewer;
    const IgnoredUsers& ignored;
    const RelationsOf& relations;
    const EventsById& children;

    std::string members_of(const storage::StoredEvent& stored, bool with_thread) const {
        const auto& event = *stored.event;
        const auto found = relations.find(event.event_id());
        if (found == relations.end() || event.is_state()) return {};
        proto::JsonWriter writer;
        writer.begin_object();
        const auto empty_bytes = writer.size();
        if (const auto edit = newest_edit(stored, relations, children)) {
            writer.key("m.replace");
            append_event(writer.begin_raw_value(), *edit, viewer);
        }
        if (with_thread) write_thread(writer, event, *found->second);
        write_references(writer, *found->second);
        if (writer.size() == empty_bytes) return {};
        return "\"m.relations\":" + writer.end_object().take();
    }

private:
    void write_thread(proto::JsonWriter& writer, const proto::Event& root,
                      const storage::EventRelations& relations) const {
        const ThreadView thread{relations, viewer.user_id, ignored};
        const auto latest = thread.latest ? children.find(thread.latest->latest) : children.end();
        if (latest == children.end()) return;
        // It is shown with what relates to it, but for threads: those do not nest.
        auto viewer_of_latest = viewer;
        EventBundles bundles;
        if (auto members = members_of(*latest->second, false); !members.empty()) {
            bundles.emplace(latest->first, std::move(members));
        }
        viewer_of_latest.bundles = std::make_shared<const EventBundles>(std::move(bundles));
        writer.key("m.thread").begin_object().key("latest_event");
        append_event(writer.begin_raw_value(), *latest->second, viewer_of_latest);
        writer.member("count", thread.events)
            .member("current_user_participated", thread.participated || root.sender().str() == viewer.user_id)
            .end_object();
    }

    void write_references(proto::JsonWriter& writer, const storage::EventRelations& relations) const {
        bool any = false;
        for (const auto& reference : relations.references) {
            if (ignored.contains(reference.sender)) continue;
            if (!any) writer.key("m.reference").begin_object().key("chunk").begin_array();
            any = true;
            writer.begin_object().member("event_id", reference.event_id.str()).end_object();
        }
        if (any) writer.end_array().end_object();
    }
};

Task<void> Aggregations::add_to(EventViewer& viewer, std::vector<storage::StoredEventPtr> events) {
    viewer.bundles = nullptr;
    if (viewer.format == proto::EventFormatWanted::kFederation) co_return;
    viewer.memberships = co_await viewer_memberships(states_, events_, viewer.user_id, events);
    std::erase_if(events, [](const auto& stored) { return stored->event->is_state(); });
    auto relations = co_await relations_of(events);
    if (relations.empty()) co_return;

    const auto ignored = co_await ignored_users(account_data_, viewer.user_id);
    std::vector<proto::EventId> wanted;
    std::vector<proto::EventId> latest;
    for (const auto& [id, of_event] : relations) {
        wanted.insert(wanted.end(), of_event->edits.begin(), of_event->edits.end());
        const ThreadView thread{*of_event, viewer.user_id, ignored};
        if (thread.latest) latest.push_back(thread.latest->latest);
    }
    wanted.insert(wanted.end(), latest.begin(), latest.end());
    auto children = co_await load_visible(viewer.user_id, std::move(wanted));

    // The latest events of threads have edits of their own.
    std::vector<storage::StoredEventPtr> latest_events;
    for (const auto& id : latest) {
        if (const auto found = children.find(id); found != children.end())
            latest_events.push_back(found->second);
    }
    std::vector<proto::EventId> edits;
    for (auto& [id, of_event] : co_await relations_of(latest_events)) {
        edits.insert(edits.end(), of_event->edits.begin(), of_event->edits.end());
        relations.emplace(id, of_event);
    }
    for (auto& [id, stored] : co_await load_visible(viewer.user_id, std::move(edits)))
        children.emplace(id, stored);

    auto bundles = std::make_shared<EventBundles>();
    const Shown shown{viewer, ignored, relations, children};
    for (const auto& stored : events) {
        if (auto members = shown.members_of(*stored, true); !members.empty()) {
            bundles->emplace(stored->event->event_id(), std::move(members));
        }
    }
    viewer.bundles = std::move(bundles);
}

Task<Aggregations::RelationsOf> Aggregations::relations_of(
    const std::vector<storage::StoredEventPtr>& events) {
    std::vector<proto::EventId> ids;
    ids.reserve(events.size());
    for (const auto& stored : events) ids.push_back(stored->event->event_id());
    co_return co_await relations_.of_events(std::move(ids));
}

/// Visibility is decided room by room.
Task<Aggregations::EventsById> Aggregations::load_visible(const std::string& user_id,
                                                          std::vector<proto::EventId> ids) {
    EventsById out;
    if (ids.empty()) co_return out;
    std::map<proto::RoomId, std::vector<storage::StoredEventPtr>> by_room;
    for (auto& stored : co_await events_.get_stored(std::move(ids))) {
        by_room[stored->event->room_id()].push_back(std::move(stored));
    }
    for (auto& [room_id, events] : by_room) {
        for (auto& stored : co_await visibility_.visible(user_id, std::move(events))) {
            out.emplace(stored->event->event_id(), stored);
        }
    }
    co_return out;
}

storage::StoredEventPtr Aggregations::newest_edit(const storage::StoredEvent& stored,
                                                  const RelationsOf& relations, const EventsById& children) {
    const auto found = relations.find(stored.event->event_id());
    // A redacted event is gone with all that it was changed into.
    if (found == relations.end() || stored.redacted_because) return nullptr;
    for (const auto& id : found->second->edits) {
        const auto edit = children.find(id);
        if (edit == children.end() || edit->second->redacted_because) continue;
        if (is_valid_edit(*edit->second->event, *stored.event)) return edit->second;
    }
    return nullptr;
}

}  // namespace weft::handlers
