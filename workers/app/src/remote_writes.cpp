#include "remote_writes.hpp"

#include "weft/proto/json.hpp"

namespace weft::workers {
namespace {

namespace json = boost::json;
using handlers::ReadPosition;
using storage::PusherKey;
using Strings = std::vector<std::string>;

/// Answers a token of the stream, or null where nothing was written.
using Endpoint = replication::RpcEndpoint<json::value, json::value>;

const Endpoint kDeviceChanges{{.name = "weft_add_device_changes"}};
const Endpoint kUserSignatures{{.name = "weft_add_user_signatures"}};
const Endpoint kRemovePushers{{.name = "weft_remove_pushers"}};
const Endpoint kReadPositions{{.name = "weft_set_read_positions", .body_bytes_max = 64 * 1024}};

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

/// A token from an answer; none if it has none.
std::optional<std::int64_t> token_of(const json::value& answer) {
    return proto::as_int(answer);
}

json::value to_json(const std::vector<PusherKey>& keys) {
    json::array pushers;
    for (const auto& key : keys) {
        pushers.push_back(
            json::object{{"user_id", key.user_id}, {"app_id", key.app_id}, {"push_key", key.push_key}});
    }
    return json::object{{"pushers", std::move(pushers)}};
}

std::vector<PusherKey> keys_of(const json::value& body) {
    std::vector<PusherKey> keys;
    for (const auto& item : array_of(object_of(body), "pushers")) {
        const auto& key = object_of(item);
        keys.push_back({string_of(key, "user_id"), string_of(key, "app_id"), string_of(key, "push_key")});
    }
    return keys;
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

json::value to_json(const std::string& user_id, const proto::RoomId& room_id,
                    const std::vector<ReadPosition>& positions) {
    json::array out;
    for (const auto& position : positions) {
        json::object item{{"type", type_of(position.marker)}, {"event_id", position.event_id}};
        if (position.thread_id) item["thread_id"] = *position.thread_id;
        out.push_back(std::move(item));
    }
    return json::object{{"user_id", user_id}, {"room_id", room_id.str()}, {"positions", std::move(out)}};
}

std::vector<ReadPosition> positions_of(const json::object& body) {
    std::vector<ReadPosition> positions;
    for (const auto& item : array_of(body, "positions")) {
        const auto& position = object_of(item);
        const auto marker = handlers::parse_read_marker(string_of(position, "type"));
        if (!marker) throw core::MatrixError::bad_json("unknown receipt type");
        auto& read = positions.emplace_back();
        read.marker = *marker;
        read.event_id = string_of(position, "event_id");
        if (const auto thread_id = proto::get_string(position, "thread_id"))
            read.thread_id = std::string{*thread_id};
    }
    return positions;
}

/// One call to the writer of a stream.
Task<json::value> ask(replication::RpcClient& rpc, const Endpoint& endpoint, std::string writer,
                      json::value body) {
    co_return co_await rpc.call(endpoint, std::move(writer), {}, std::move(body));
}

}  // namespace

RemoteWrites::RemoteWrites(Stores& stores, handlers::Receipts& receipts, replication::RpcClient& rpc,
                           const core::Config& config)
    : stores_{stores}, receipts_{receipts}, rpc_{rpc}, config_{config} {}

void RemoteWrites::connect() {
    if (!config_.writes("device_lists")) {
        const auto writer = config_.writers_of("device_lists").front();
        stores_.devices.set_remote_writer(
            [this, writer](std::string user_id, Strings devices, Strings hosts) -> Task<std::int64_t> {
                json::value body = json::object{{"user_id", user_id},
                                                {"devices", json::value_from(devices)},
                                                {"hosts", json::value_from(hosts)}};
                co_return token_of(co_await ask(rpc_, kDeviceChanges, writer, std::move(body))).value_or(0);
            });
        stores_.user_signatures.set_remote_writer(
            [this, writer](std::string signer, Strings users) -> Task<std::int64_t> {
                json::value body = json::object{{"signer", signer}, {"users", json::value_from(users)}};
                co_return token_of(co_await ask(rpc_, kUserSignatures, writer, std::move(body))).value_or(0);
            });
    }
    if (!config_.writes("pushers")) {
        const auto writer = config_.writers_of("pushers").front();
        stores_.pushers.set_remote_writer(
            [this, writer](std::vector<PusherKey> keys) -> Task<std::optional<std::int64_t>> {
                co_return token_of(co_await ask(rpc_, kRemovePushers, writer, to_json(keys)));
            });
    }
    connect_receipts();
}

void RemoteWrites::connect_receipts() {
    const auto asks = [this](const std::string& stream) -> handlers::Receipts::Set {
        return [this, writer = config_.writers_of(stream).front()](
                   std::string user_id, proto::RoomId room_id,
                   std::vector<ReadPosition> positions) -> Task<void> {
            co_await ask(rpc_, kReadPositions, writer, to_json(user_id, room_id, positions));
        };
    };
    if (!config_.writes("receipts")) receipts_.set_remote_receipts(asks("receipts"));
    if (!config_.writes("account_data")) receipts_.set_remote_fully_read(asks("account_data"));
}

void RemoteWrites::serve(replication::RpcServer& server) {
    using Function = std::function<Task<json::value>(replication::RpcArgs, json::value)>;
    const auto add = [&](const Endpoint& endpoint, Function function) {
        server.serve(endpoint, std::move(function));
    };
    if (config_.writes("device_lists")) {
        add(kDeviceChanges, [this](replication::RpcArgs, json::value body) -> Task<json::value> {
            const auto& change = object_of(body);
            const auto token = co_await stores_.devices.add_changes(
                string_of(change, "user_id"), strings_of(change, "devices"), strings_of(change, "hosts"));
            co_return json::value(token);
        });
        add(kUserSignatures, [this](replication::RpcArgs, json::value body) -> Task<json::value> {
            const auto& change = object_of(body);
            const auto token = co_await stores_.user_signatures.add(string_of(change, "signer"),
                                                                    strings_of(change, "users"));
            co_return json::value(token);
        });
    }
    if (config_.writes("pushers")) {
        add(kRemovePushers, [this](replication::RpcArgs, json::value body) -> Task<json::value> {
            const auto token = co_await stores_.pushers.remove_all(keys_of(body));
            json::value answer;  // null: there was none
            if (token) answer = *token;
            co_return answer;
        });
    }
    if (config_.writes("receipts") || config_.writes("account_data")) {
        add(kReadPositions, [this](replication::RpcArgs, json::value body) -> Task<json::value> {
            const auto& read = object_of(body);
            const auto room_id = proto::RoomId::parse(string_of(read, "room_id"));
            if (!room_id) throw core::MatrixError::invalid_param("Invalid room ID");
            co_await receipts_.set(string_of(read, "user_id"), *room_id, positions_of(read));
            co_return json::value();
        });
    }
}

}  // namespace weft::workers
