#include "events/placed_rpc.hpp"

#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

namespace json = boost::json;

const replication::RpcEndpoint<PlacedEventCall, StreamIdAnswer> kSendEvent{
    {.name = "send_event", .path_args = {"event_id"}}};
const replication::RpcEndpoint<PlacedEventCall, StreamIdAnswer> kStoreEvent{
    {.name = "weft_store_event", .path_args = {"event_id"}}};
const replication::RpcEndpoint<replication::RpcEmpty, StreamIdAnswer> kRejectInvite{
    {.name = "weft_reject_invite", .path_args = {"room_id", "user_id"}}};

namespace {

bool is_given(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && !value->is_null() && !(value->is_bool() && !value->get_bool());
}

}  // namespace

PlacedEvent PlacedEventCall::parse(const std::string& event_id) const {
    const auto* version = proto::RoomVersion::find(room_version);
    if (version == nullptr) throw core::MatrixError::bad_json("unknown room version");
    auto metadata = proto::EventMetadata::from_json(internal_metadata);
    metadata.stream_ordering.reset();
    auto parsed = proto::Event::from_json(proto::canonical_json(event), *version, std::move(metadata));
    if (!parsed) throw core::MatrixError::bad_json(parsed.error().message);
    if ((*parsed)->event_id().str() != event_id)
        throw core::MatrixError::bad_json("the event has another ID");
    if ((*parsed)->outlier()) throw core::MatrixError::bad_json("the event has no place in the room");
    return {std::move(*parsed), state_group};
}

void tag_invoke(json::value_from_tag, json::value& out, const PlacedEventCall& call) {
    out = json::object{{"event", call.event},
                       {"room_version", call.room_version},
                       {"internal_metadata", call.internal_metadata},
                       {"rejected_reason", nullptr},
                       {"context", json::object{{"rejected", false}, {"state_group", call.state_group}}},
                       {"ratelimit", call.ratelimit}};
}

PlacedEventCall tag_invoke(json::value_to_tag<PlacedEventCall>, const json::value& in) {
    const auto& body = in.as_object();
    const auto& context = body.at("context").as_object();
    if (is_given(body, "rejected_reason") || is_given(context, "rejected"))
        throw std::invalid_argument{"an event of this server that is rejected"};
    PlacedEventCall call;
    call.event = body.at("event").as_object();
    call.room_version = body.at("room_version").as_string();
    call.internal_metadata = body.at("internal_metadata").as_object();
    call.state_group = context.at("state_group").to_number<std::int64_t>();
    call.ratelimit = body.at("ratelimit").as_bool();
    return call;
}

void tag_invoke(json::value_from_tag, json::value& out, const StreamIdAnswer& answer) {
    out = json::object{{"stream_id", answer.stream_id}};
}

StreamIdAnswer tag_invoke(json::value_to_tag<StreamIdAnswer>, const json::value& in) {
    return {in.at("stream_id").to_number<std::int64_t>()};
}

}  // namespace weft::handlers
