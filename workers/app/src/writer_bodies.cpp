#include "writer_bodies.hpp"

#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::workers {
namespace {

namespace json = boost::json;
using proto::replication::FederationAck;
using proto::replication::RemovePusher;
using Strings = std::vector<std::string>;

const json::object& object_of(const json::value& body) {
    const auto* object = body.if_object();
    if (object == nullptr) throw core::MatrixError::bad_json("not an object");
    return *object;
}

std::string string_of(const json::object& body, std::string_view name) {
    const auto text = proto::get_string(body, name);
    if (!text) throw core::MatrixError::bad_json(std::string{name} + " is missing");
    return std::string{*text};
}

const json::array& array_of(const json::object& body, std::string_view name) {
    const auto* array = proto::get_array(body, name);
    if (array == nullptr) throw core::MatrixError::bad_json(std::string{name} + " is missing");
    return *array;
}

Strings strings_of(const json::object& body, std::string_view name) {
    Strings out;
    for (const auto& item : array_of(body, name)) {
        if (!item.is_string())
            throw core::MatrixError::bad_json(std::string{name} + " has something else than strings");
        out.emplace_back(item.get_string());
    }
    return out;
}

std::string_view type_of(handlers::ReadMarker marker) {
    switch (marker) {
        case handlers::ReadMarker::kRead:
            return "m.read";
        case handlers::ReadMarker::kReadPrivate:
            return "m.read.private";
        case handlers::ReadMarker::kFullyRead:
            return "m.fully_read";
    }
    return "m.read";
}

}  // namespace

json::value DeviceChanges::to_json() const {
    return json::object{
        {"user_id", user_id}, {"devices", json::value_from(devices)}, {"hosts", json::value_from(hosts)}};
}

DeviceChanges DeviceChanges::parse(const json::value& body) {
    const auto& change = object_of(body);
    return {string_of(change, "user_id"), strings_of(change, "devices"), strings_of(change, "hosts")};
}

json::value UserSignatures::to_json() const {
    return json::object{{"signer", signer}, {"users", json::value_from(users)}};
}

UserSignatures UserSignatures::parse(const json::value& body) {
    const auto& change = object_of(body);
    return {string_of(change, "signer"), strings_of(change, "users")};
}

json::value PusherKeys::to_json() const {
    json::array pushers;
    for (const auto& key : keys) {
        pushers.push_back(
            json::object{{"user_id", key.user_id}, {"app_id", key.app_id}, {"push_key", key.push_key}});
    }
    return json::object{{"pushers", std::move(pushers)}};
}

PusherKeys PusherKeys::parse(const json::value& body) {
    PusherKeys out;
    for (const auto& item : array_of(object_of(body), "pushers")) {
        const auto& key = object_of(item);
        out.keys.push_back({string_of(key, "user_id"), string_of(key, "app_id"), string_of(key, "push_key")});
    }
    return out;
}

json::value ReadPositions::to_json() const {
    json::array out;
    for (const auto& position : positions) {
        json::object item{{"type", type_of(position.marker)}, {"event_id", position.event_id}};
        if (position.thread_id) item["thread_id"] = *position.thread_id;
        out.push_back(std::move(item));
    }
    return json::object{{"user_id", user_id}, {"room_id", room_id}, {"positions", std::move(out)}};
}

ReadPositions ReadPositions::parse(const json::value& body) {
    const auto& object = object_of(body);
    ReadPositions out{string_of(object, "user_id"), string_of(object, "room_id"), {}};
    if (!proto::RoomId::parse(out.room_id)) throw core::MatrixError::invalid_param("Invalid room ID");
    for (const auto& item : array_of(object, "positions")) {
        const auto& position = object_of(item);
        const auto marker = handlers::parse_read_marker(string_of(position, "type"));
        if (!marker) throw core::MatrixError::bad_json("unknown receipt type");
        auto& read = out.positions.emplace_back();
        read.marker = *marker;
        read.event_id = string_of(position, "event_id");
        if (const auto thread_id = proto::get_string(position, "thread_id"))
            read.thread_id = std::string{*thread_id};
    }
    return out;
}

json::value to_json(const RemovePusher& command) {
    return json::object{
        {"app_id", command.app_id}, {"push_key", command.push_key}, {"user_id", command.user_id}};
}

RemovePusher parse_remove_pusher(const json::value& body) {
    const auto& object = object_of(body);
    return {string_of(object, "app_id"), string_of(object, "push_key"), string_of(object, "user_id")};
}

json::value to_json(const FederationAck& command) {
    json::object body{{"token", command.token}};
    if (command.instance) body["instance"] = *command.instance;
    return body;
}

FederationAck parse_federation_ack(const json::value& body) {
    const auto& object = object_of(body);
    const auto token = proto::get_int(object, "token");
    if (!token) throw core::MatrixError::bad_json("token is missing");
    FederationAck ack{std::nullopt, *token};
    if (const auto instance = proto::get_string(object, "instance")) ack.instance = std::string{*instance};
    return ack;
}

}  // namespace weft::workers
