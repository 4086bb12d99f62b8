#include "events/send_rpc.hpp"

namespace weft::handlers {

namespace json = boost::json;

const replication::RpcEndpoint<SendEventsCall, SendEventsAnswer> kSendEvents{{.name = "weft_send_events", .path_args = {"room_id"}}};

namespace {

std::optional<std::string> optional_string(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (!value || value->is_null()) return std::nullopt;
    return std::string{value->as_string()};
}

json::object draft_to_json(const proto::EventDraft& draft) {
    json::object out;
    if (draft.room_id) out["room_id"] = draft.room_id->str();
    out["sender"] = draft.sender.str();
    out["type"] = draft.type;
    if (draft.state_key) out["state_key"] = *draft.state_key;
    out["content"] = draft.content;
    if (draft.redacts) out["redacts"] = draft.redacts->str();
    out["origin_server_ts"] = draft.origin_server_ts;
    out["unsigned"] = draft.unsigned_data;
    out["internal_metadata"] = draft.metadata.to_json();
    return out;
}

proto::EventDraft draft_from_json(const json::object& in) {
    proto::EventDraft draft{.room_id = std::nullopt,
                            .sender = proto::UserId::trusted(std::string{in.at("sender").as_string()}),
                            .type = std::string{in.at("type").as_string()},
                            .state_key = optional_string(in, "state_key"),
                            .content = in.at("content").as_object(),
                            .redacts = std::nullopt,
                            .origin_server_ts = in.at("origin_server_ts").to_number<std::int64_t>(),
                            .unsigned_data = in.at("unsigned").as_object(),
                            .metadata = proto::EventMetadata::from_json(in.at("internal_metadata").as_object())};
    if (auto room_id = optional_string(in, "room_id")) draft.room_id = proto::RoomId::trusted(std::move(*room_id));
    if (auto redacts = optional_string(in, "redacts")) draft.redacts = proto::EventId::trusted(std::move(*redacts));
    return draft;
}

}  // namespace

void tag_invoke(json::value_from_tag, json::value& out, const SendEventsCall& call) {
    json::array requests;
    for (const auto& request : call.requests) {
        json::object item{{"draft", draft_to_json(request.draft)},
                          {"device_id", request.device_id},
                          {"deduplicate_state", request.deduplicate_state}};
        if (request.txn_id) item["txn_id"] = *request.txn_id;
        requests.push_back(std::move(item));
    }
    out = json::object{{"requests", std::move(requests)}, {"new_room_version", call.new_room_version}};
}

SendEventsCall tag_invoke(json::value_to_tag<SendEventsCall>, const json::value& in) {
    SendEventsCall call;
    call.new_room_version = in.at("new_room_version").as_string();
    for (const auto& item : in.at("requests").as_array()) {
        SendRequest request{draft_from_json(item.at("draft").as_object())};
        request.device_id = item.at("device_id").as_string();
        request.deduplicate_state = item.at("deduplicate_state").as_bool();
        request.txn_id = optional_string(item.as_object(), "txn_id");
        request.ratelimit = false;  // the process that took the client's request has counted it
        call.requests.push_back(std::move(request));
    }
    if (call.requests.empty()) throw std::invalid_argument{"no requests"};
    return call;
}

void tag_invoke(json::value_from_tag, json::value& out, const SendEventsAnswer& answer) {
    json::array results;
    for (const auto& result : answer.results) {
        results.push_back(json::object{{"event_id", result.event_id.str()},
                                       {"stream_id", result.stream_ordering},
                                       {"writer", result.writer},
                                       {"duplicate", result.duplicate}});
    }
    out = json::object{{"room_id", answer.room_id}, {"results", std::move(results)}};
}

SendEventsAnswer tag_invoke(json::value_to_tag<SendEventsAnswer>, const json::value& in) {
    SendEventsAnswer answer;
    answer.room_id = in.at("room_id").as_string();
    for (const auto& item : in.at("results").as_array()) {
        answer.results.push_back(SendResult{proto::EventId::trusted(std::string{item.at("event_id").as_string()}),
                                            item.at("stream_id").to_number<std::int64_t>(), std::string{item.at("writer").as_string()},
                                            item.at("duplicate").as_bool()});
    }
    return answer;
}

}  // namespace weft::handlers
