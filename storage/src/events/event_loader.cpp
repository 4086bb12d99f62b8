#include "events/event_loader.hpp"

#include "weft/core/log.hpp"
#include "weft/proto/auth_rules.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/redaction.hpp"

namespace weft::storage {
namespace {

#define WEFT_EVENT_COLUMNS                                                                                                   \
    "SELECT ej.event_id, ej.json, ej.internal_metadata, e.stream_ordering, e.outlier, r.room_version, rej.reason, "          \
    "(SELECT array_to_string(array_agg(red.event_id), ' ') FROM redactions red WHERE red.redacts = ej.event_id), "           \
    "(SELECT c.json FROM event_json c JOIN events ce USING (event_id) WHERE r.room_version IS NULL AND ce.room_id = ej.room_id " \
    "AND ce.type = 'm.room.create' LIMIT 1)"
#define WEFT_EVENT_TABLES                                                                                 \
    " FROM event_json ej JOIN events e ON e.event_id = ej.event_id LEFT JOIN rooms r ON r.room_id = ej.room_id " \
    "LEFT JOIN rejections rej ON rej.event_id = ej.event_id WHERE ej.event_id = ANY($1::text[])"

constexpr Sql kLoadEvents{"load_events", WEFT_EVENT_COLUMNS ", NULL" WEFT_EVENT_TABLES};
constexpr Sql kLoadEventsWithPush{
    "load_events_with_push",
    WEFT_EVENT_COLUMNS
    ", (SELECT array_to_string(array_agg(p.highlight || p.user_id), ' ') FROM event_push_actions p "
    "WHERE p.stream_ordering = e.stream_ordering AND p.event_id = ej.event_id AND p.notif = 1)" WEFT_EVENT_TABLES};

constexpr Sql kDevicesOfTokens{"devices_of_tokens",
                               "SELECT id, device_id FROM access_tokens WHERE id = ANY($1::bigint[]) AND device_id IS NOT NULL"};

#undef WEFT_EVENT_COLUMNS
#undef WEFT_EVENT_TABLES

std::vector<std::string> texts(const std::vector<proto::EventId>& ids) {
    std::vector<std::string> out;
    out.reserve(ids.size());
    for (const auto& id : ids) out.push_back(id.str());
    return out;
}

template <class Function>
void for_each_word(std::string_view text, Function function) {
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end > 0) function(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

struct ParsedRow {
    proto::EventPtr event;
    std::vector<proto::EventId> redactions;
};

proto::EventPtr parse_event(const Rows::Row& row) {
    const auto* version = row[5].is_null() ? version_in_create_event(row[8].view()) : proto::RoomVersion::find(row[5].view());
    const auto id = proto::EventId::trusted(row[0].str());
    if (!version) {
        core::log_warning("storage.events", "event {} is of a room version we do not know", id);
        return nullptr;
    }
    auto event = proto::Event::from_database(id, row[1].str(), row[2].view(), *version, row[6].opt_str());
    if (!event) {
        core::log_error("storage.events", "stored event {} cannot be read: {}", id, event.error().message);
        return nullptr;
    }
    auto metadata = (*event)->metadata();
    metadata.stream_ordering = row[3].i64();
    metadata.outlier = row[4].boolean();
    return (*event)->with_metadata(std::move(metadata));
}

/// Whether a stored redaction really takes effect on its target (room versions, "Handling redactions"): who may send it at
/// all was decided when it was authorized; what is left is the comparison of the senders' servers where that was put off.
bool redaction_applies(const proto::Event& redaction, const proto::Event& target) {
    if (redaction.rejected() || redaction.room_id() != target.room_id()) return false;
    if (target.type() == proto::event_type::kCreate && target.is_state()) return false;
    if (!redaction.metadata().recheck_redaction) return true;
    return redaction.sender().server_name() == target.sender().server_name();
}

}  // namespace

const proto::RoomVersion* version_in_create_event(std::string_view event_json) {
    const auto event = proto::parse_json_object(event_json);
    if (!event) return nullptr;
    const auto* content = proto::get_object(*event, "content");
    return proto::RoomVersion::find(content ? proto::get_string(*content, "room_version").value_or("1") : "1");
}

std::optional<proto::EventId> replaced_by(const proto::Event& event) {
    if (!event.is_state()) return std::nullopt;
    const auto id = proto::get_string(event.unsigned_data(), "replaces_state");
    return id ? std::optional{proto::EventId::trusted(std::string{*id})} : std::nullopt;
}

proto::EventPtr with_replaced(const proto::Event& event, const proto::Event* replaced) {
    auto object = event.to_object();
    auto& facts = object["unsigned"].as_object();
    // Older databases hold a copy, which knows nothing of redactions.
    facts.erase("prev_content");
    facts.erase("prev_sender");
    // The name may be another server's, which could ask for any event by it.
    if (replaced && replaced->room_id() == event.room_id() && replaced->is_state() && replaced->key() == event.key()) {
        facts["prev_content"] = replaced->content();
        facts["prev_sender"] = replaced->sender().str();
    }
    auto completed = proto::Event::from_database(event.event_id(), proto::to_json(object), "", event.room_version());
    // What made the event loadable is in it still.
    return completed.value()->with_metadata(event.metadata());
}

namespace {

using StoredEvents = std::unordered_map<proto::EventId, StoredEventPtr>;

/// Events with their redactions applied, otherwise as their writer left them.
Task<LoadedEvents> load_as_written(Database& db, std::vector<proto::EventId> ids, WithPushMarks with_push_marks) {
    LoadedEvents out;
    const auto rows = co_await db.query(with_push_marks == WithPushMarks::kYes ? kLoadEventsWithPush : kLoadEvents, texts(ids));
    std::unordered_map<proto::EventId, std::vector<proto::EventId>> redacted_by;
    std::vector<proto::EventId> redaction_ids;
    for (const auto row : rows) {
        auto event = parse_event(row);
        if (!event) continue;
        if (with_push_marks == WithPushMarks::kYes) {
            auto& marks = out.push_marks[event->event_id()];
            for_each_word(row[9].view(), [&](std::string_view word) {
                marks.push_back({std::string{word.substr(1)}, word.front() == '1'});
            });
        }
        for_each_word(row[7].view(), [&](std::string_view word) {
            auto redaction = proto::EventId::trusted(std::string{word});
            redacted_by[event->event_id()].push_back(redaction);
            redaction_ids.push_back(std::move(redaction));
        });
        const auto id = event->event_id();
        out.events.emplace(id, std::make_shared<const StoredEvent>(StoredEvent{std::move(event), nullptr}));
    }
    if (redaction_ids.empty()) co_return out;

    const auto redaction_rows = co_await db.query(kLoadEvents, texts(redaction_ids));
    std::unordered_map<proto::EventId, proto::EventPtr> redactions;
    for (const auto row : redaction_rows) {
        if (auto event = parse_event(row)) redactions.emplace(event->event_id(), event);
    }
    for (const auto& [target_id, by] : redacted_by) {
        auto& stored = out.events.at(target_id);
        for (const auto& redaction_id : by) {
            const auto redaction = redactions.find(redaction_id);
            if (redaction == redactions.end() || !redaction_applies(*redaction->second, *stored->event)) continue;
            stored = std::make_shared<const StoredEvent>(StoredEvent{proto::prune_event(*stored->event), redaction->second});
            break;
        }
    }
    co_return out;
}

/// What a state event replaced is looked up each time it is loaded: a copy would outlive the redaction of the original.
Task<void> add_replaced_content(Database& db, StoredEvents& events) {
    std::vector<proto::EventId> replaced_ids;
    for (const auto& [id, stored] : events) {
        if (auto replaced = replaced_by(*stored->event)) replaced_ids.push_back(std::move(*replaced));
    }
    if (replaced_ids.empty()) co_return;
    const auto loaded = co_await load_as_written(db, std::move(replaced_ids), WithPushMarks::kNo);
    for (auto& [id, stored] : events) {
        const auto replaced_id = replaced_by(*stored->event);
        if (!replaced_id) continue;
        const auto found = loaded.events.find(*replaced_id);
        const auto* replaced = found == loaded.events.end() ? nullptr : found->second->event.get();
        stored = std::make_shared<const StoredEvent>(StoredEvent{with_replaced(*stored->event, replaced), stored->redacted_because});
    }
}

/// Synapse notes who may see a transaction ID by access token, Weft by device.
Task<void> add_sending_devices(Database& db, StoredEvents& events) {
    const auto token_of = [](const StoredEvent& stored) -> std::optional<std::int64_t> {
        const auto& metadata = stored.event->metadata();
        return metadata.txn_id && !metadata.device_id ? metadata.token_id : std::nullopt;
    };
    std::vector<std::int64_t> tokens;
    for (const auto& [id, stored] : events) {
        if (const auto token = token_of(*stored)) tokens.push_back(*token);
    }
    if (tokens.empty()) co_return;
    std::unordered_map<std::int64_t, std::string> devices;
    for (const auto row : co_await db.query(kDevicesOfTokens, tokens)) devices.emplace(row[0].i64(), row[1].str());
    for (auto& [id, stored] : events) {
        const auto token = token_of(*stored);
        const auto device = token ? devices.find(*token) : devices.end();
        if (device == devices.end()) continue;
        auto metadata = stored->event->metadata();
        metadata.device_id = device->second;
        stored = std::make_shared<const StoredEvent>(
            StoredEvent{stored->event->with_metadata(std::move(metadata)), stored->redacted_because});
    }
}

}  // namespace

Task<LoadedEvents> load_bare_events(Database& db, std::vector<proto::EventId> ids) {
    return load_as_written(db, std::move(ids), WithPushMarks::kNo);
}

Task<LoadedEvents> load_events(Database& db, std::vector<proto::EventId> ids, WithPushMarks with_push_marks) {
    auto out = co_await load_as_written(db, std::move(ids), with_push_marks);
    co_await add_replaced_content(db, out.events);
    co_await add_sending_devices(db, out.events);
    co_return out;
}

}  // namespace weft::storage
