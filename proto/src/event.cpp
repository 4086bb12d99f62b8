#include "weft/proto/event.hpp"

#include "event_body.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/event_builder.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::proto {

namespace {

constexpr std::size_t kPrevEventsMax = 20;
constexpr std::size_t kAuthEventsMax = 10;

core::ParseError error(std::string text) {
    return core::ParseError{std::move(text)};
}

/// The ids in prev_events or auth_events: plain, or first of a pair in room versions 1 and 2.
std::optional<std::vector<EventId>> event_references(const json::object& pdu, std::string_view key) {
    const auto* list = get_array(pdu, key);
    if (!list) return std::nullopt;
    std::vector<EventId> ids;
    ids.reserve(list->size());
    for (const auto& item : *list) {
        const auto* text = item.if_string();
        if (const auto* pair = item.if_array(); pair && !pair->empty()) text = pair->front().if_string();
        if (!text) return std::nullopt;
        ids.push_back(EventId::trusted(std::string{*text}));
    }
    return ids;
}

std::optional<EventId> redaction_target(const json::object& pdu, std::string_view type,
                                        const RoomVersion& version) {
    if (type != event_type::kRedaction) return std::nullopt;
    const auto* content = get_object(pdu, "content");
    const auto target = version.redacts_in_content
                            ? (content ? get_string(*content, "redacts") : std::nullopt)
                            : get_string(pdu, "redacts");
    if (!target) return std::nullopt;
    auto id = EventId::parse(*target);
    if (!id) return std::nullopt;
    return std::move(*id);
}

bool makes_its_room_id(std::string_view type, const std::optional<std::string>& state_key,
                       const RoomVersion& version) {
    return version.room_id_is_create_hash && type == event_type::kCreate && state_key == "";
}

std::string room_id_from(const EventId& create) {
    return "!" + create.str().substr(1);
}

/// Types and limits of the members (server-server API, "PDUs"). Nothing here looks at other events.
core::Result<void> check_shape(const json::object& pdu, const RoomVersion& version) {
    const auto type = get_string(pdu, "type");
    if (!type) return error("type is not a string");
    if (type->size() > kEventTypeBytesMax) return error("type is longer than 255 bytes");
    const auto sender = get_string(pdu, "sender");
    if (!sender || !UserId::is_valid(*sender)) return error("sender is not a user id");
    std::optional<std::string> state_key;
    if (const auto* value = find(pdu, "state_key")) {
        if (!value->is_string()) return error("state_key is not a string");
        if (value->get_string().size() > kStateKeyBytesMax)
            return error("state_key is longer than 255 bytes");
        state_key = value->get_string();
    }
    if (makes_its_room_id(*type, state_key, version)) {
        if (find(pdu, "room_id")) return error("m.room.create of this room version has a room_id");
    } else {
        const auto room_id = get_string(pdu, "room_id");
        if (!room_id || !RoomId::parse(*room_id)) return error("room_id is not a room id");
    }
    if (!get_object(pdu, "content")) return error("content is not an object");
    if (!get_int(pdu, "origin_server_ts")) return error("origin_server_ts is not an integer");
    const auto depth = get_int(pdu, "depth");
    if (!depth || *depth < 0) return error("depth is not a natural number");
    const auto prev_events = event_references(pdu, "prev_events");
    if (!prev_events || prev_events->size() > kPrevEventsMax)
        return error("prev_events is not a list of at most 20 events");
    const auto auth_events = event_references(pdu, "auth_events");
    if (!auth_events || auth_events->size() > kAuthEventsMax)
        return error("auth_events is not a list of at most 10 events");
    for (const auto* ids : {&*prev_events, &*auth_events}) {
        for (const auto& id : *ids) {
            if (!EventId::parse(id.str()))
                return error("prev_events or auth_events names something that is no event id");
        }
    }
    return {};
}

json::object take_object(json::object& pdu, std::string_view key) {
    auto* value = pdu.if_contains(key);
    if (!value || !value->is_object()) return {};
    return std::move(value->get_object());
}

}  // namespace

Event::Event(Private, std::shared_ptr<const Body> body, EventMetadata metadata)
    : body_{std::move(body)}, metadata_{std::move(metadata)} {}
Event::~Event() = default;

core::Result<EventPtr> Event::from_json(std::string pdu_json, const RoomVersion& version,
                                        EventMetadata metadata) {
    JsonLimits limits;
    limits.allow_duplicate_keys = !version.enforce_canonical_json;
    auto pdu = parse_json(pdu_json, limits);
    if (!pdu) return pdu.error();
    const auto* object = pdu->if_object();
    if (!object) return error("event is not an object");
    if (version.enforce_canonical_json) {
        if (auto canonical = check_canonical(*pdu); !canonical) return canonical.error();
    }
    static constexpr std::string_view kUncounted[] = {"unsigned"};  // not part of what others get to see
    if (pdu_json.size() > kPduBytesMax && canonical_json_without(*object, kUncounted).size() > kPduBytesMax) {
        return error("event is larger than 65536 bytes");
    }
    if (auto shape = check_shape(*object, version); !shape) return shape.error();
    auto event_id = compute_event_id(*object, version);
    if (!event_id) return event_id.error();
    return from_built(std::move(*event_id), std::move(pdu->get_object()), std::move(pdu_json), version,
                      std::move(metadata));
}

core::Result<EventPtr> Event::from_database(EventId event_id, std::string pdu_json,
                                            std::string_view internal_metadata_json,
                                            const RoomVersion& version,
                                            std::optional<std::string> rejected_reason) {
    auto pdu = parse_json_object(pdu_json);
    if (!pdu) return pdu.error();
    EventMetadata metadata;
    if (auto object = parse_json_object(internal_metadata_json)) metadata = EventMetadata::from_json(*object);
    metadata.rejected_reason = std::move(rejected_reason);
    return from_built(std::move(event_id), std::move(*pdu), std::move(pdu_json), version,
                      std::move(metadata));
}

core::Result<EventPtr> Event::from_built(EventId event_id, json::object pdu, std::string pdu_json,
                                         const RoomVersion& version, EventMetadata metadata) {
    const auto type = get_string(pdu, "type");
    const auto sender = get_string(pdu, "sender");
    if (!type || !sender) return error("event lacks its type or sender");
    const auto state_key_text = get_string(pdu, "state_key");
    std::optional<std::string> state_key;
    if (state_key_text) state_key = *state_key_text;
    std::string room_id;
    if (makes_its_room_id(*type, state_key, version)) {
        room_id = room_id_from(event_id);
    } else if (const auto text = get_string(pdu, "room_id")) {
        room_id = *text;
    } else {
        return error("event lacks its room_id");
    }
    if (event_id.str().empty() || room_id.empty()) return error("event or room id is empty");
    auto redacts = redaction_target(pdu, *type, version);
    // All that refers into the tree is copied before content and unsigned are moved out of it.
    auto body = std::shared_ptr<Body>(
        new Body{.version = &version,
                 .event_id = std::move(event_id),
                 .room_id = RoomId::trusted(std::move(room_id)),
                 .sender = UserId::trusted(std::string{*sender}),
                 .type = std::string{*type},
                 .state_key = std::move(state_key),
                 .content = {},
                 .unsigned_data = {},
                 .origin_server_ts = get_int(pdu, "origin_server_ts").value_or(0),
                 .depth = get_int(pdu, "depth").value_or(0),
                 .prev_events = event_references(pdu, "prev_events").value_or(std::vector<EventId>{}),
                 .auth_events = event_references(pdu, "auth_events").value_or(std::vector<EventId>{}),
                 .redacts = std::move(redacts),
                 .pdu_json = std::move(pdu_json),
                 .client_form_once = {},
                 .client_head = {},
                 .client_unsigned_members = {}});
    body->content = take_object(pdu, "content");
    body->unsigned_data = take_object(pdu, "unsigned");
    return EventPtr{std::make_shared<Event>(Private{}, std::move(body), std::move(metadata))};
}

const EventId& Event::event_id() const noexcept {
    return body_->event_id;
}
const RoomId& Event::room_id() const noexcept {
    return body_->room_id;
}
const std::string& Event::type() const noexcept {
    return body_->type;
}
const UserId& Event::sender() const noexcept {
    return body_->sender;
}
const std::optional<std::string>& Event::state_key() const noexcept {
    return body_->state_key;
}
const json::object& Event::content() const noexcept {
    return body_->content;
}
const json::object& Event::unsigned_data() const noexcept {
    return body_->unsigned_data;
}
std::int64_t Event::origin_server_ts() const noexcept {
    return body_->origin_server_ts;
}
std::int64_t Event::depth() const noexcept {
    return body_->depth;
}
const std::vector<EventId>& Event::prev_events() const noexcept {
    return body_->prev_events;
}
const std::vector<EventId>& Event::auth_events() const noexcept {
    return body_->auth_events;
}
const std::optional<EventId>& Event::redacts() const noexcept {
    return body_->redacts;
}
const RoomVersion& Event::room_version() const noexcept {
    return *body_->version;
}
const std::string& Event::pdu_json() const noexcept {
    return body_->pdu_json;
}

bool Event::is_state(std::string_view type, std::string_view state_key) const noexcept {
    return body_->type == type && body_->state_key && *body_->state_key == state_key;
}

std::optional<std::string_view> Event::membership() const noexcept {
    if (body_->type != event_type::kMember) return std::nullopt;
    return get_string(body_->content, "membership");
}

StateKey Event::key() const {
    return StateKey{body_->type, body_->state_key ? std::string_view{*body_->state_key} : std::string_view{}};
}
bool Event::contains_url() const noexcept {
    return get_string(body_->content, "url").has_value();
}

json::object Event::to_object() const {
    auto object = parse_json_object(body_->pdu_json);
    return object ? std::move(*object) : json::object{};  // it was an object when the event was made
}

EventPtr Event::with_metadata(EventMetadata metadata) const {
    return std::make_shared<Event>(Private{}, body_, std::move(metadata));
}

const std::string& Event::client_head() const {
    std::call_once(body_->client_form_once, &Body::make_client_form, body_.get());
    return body_->client_head;
}

const std::string& Event::client_unsigned_members() const {
    std::call_once(body_->client_form_once, &Body::make_client_form, body_.get());
    return body_->client_unsigned_members;
}

std::optional<Relation> relation_of(const Event& event) {
    const auto* relates_to = get_object(event.content(), "m.relates_to");
    if (!relates_to) return std::nullopt;
    const auto rel_type = get_string(*relates_to, "rel_type");
    const auto target = get_string(*relates_to, "event_id");
    if (!rel_type || !target) return std::nullopt;
    Relation relation{std::string{*rel_type}, std::string{*target}, std::nullopt};
    if (const auto key = get_string(*relates_to, "key")) relation.key = *key;
    return relation;
}

std::optional<std::string> thread_of(const Event& event) {
    auto relation = relation_of(event);
    if (!relation || relation->rel_type != "m.thread" || !EventId::parse(relation->event_id)) return std::nullopt;
    return std::move(relation->event_id);
}

}  // namespace weft::proto
