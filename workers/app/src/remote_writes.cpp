#include "remote_writes.hpp"

#include "weft/proto/json.hpp"
#include "writer_bodies.hpp"

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

/// A token from an answer; none if it has none.
std::optional<std::int64_t> token_of(const json::value& answer) {
    return proto::as_int(answer);
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
                const DeviceChanges changes{std::move(user_id), std::move(devices), std::move(hosts)};
                co_return token_of(co_await ask(rpc_, kDeviceChanges, writer, changes.to_json())).value_or(0);
            });
        stores_.user_signatures.set_remote_writer([this, writer](std::string signer,
                                                                 Strings users) -> Task<std::int64_t> {
            const UserSignatures signatures{std::move(signer), std::move(users)};
            co_return token_of(co_await ask(rpc_, kUserSignatures, writer, signatures.to_json())).value_or(0);
        });
    }
    if (!config_.writes("pushers")) {
        const auto writer = config_.writers_of("pushers").front();
        stores_.pushers.set_remote_writer(
            [this, writer](std::vector<PusherKey> keys) -> Task<std::optional<std::int64_t>> {
                const PusherKeys pushers{std::move(keys)};
                co_return token_of(co_await ask(rpc_, kRemovePushers, writer, pushers.to_json()));
            });
    }
    connect_receipts();
}

void RemoteWrites::connect_receipts() {
    const auto asks = [this](const std::string& stream) -> handlers::Receipts::Set {
        return [this, writer = config_.writers_of(stream).front()](
                   std::string user_id, proto::RoomId room_id,
                   std::vector<ReadPosition> positions) -> Task<void> {
            const ReadPositions read{std::move(user_id), room_id.str(), std::move(positions)};
            co_await ask(rpc_, kReadPositions, writer, read.to_json());
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
            auto change = DeviceChanges::parse(body);
            const auto token = co_await stores_.devices.add_changes(
                std::move(change.user_id), std::move(change.devices), std::move(change.hosts));
            co_return json::value(token);
        });
        add(kUserSignatures, [this](replication::RpcArgs, json::value body) -> Task<json::value> {
            auto change = UserSignatures::parse(body);
            const auto token =
                co_await stores_.user_signatures.add(std::move(change.signer), std::move(change.users));
            co_return json::value(token);
        });
    }
    if (config_.writes("pushers")) {
        add(kRemovePushers, [this](replication::RpcArgs, json::value body) -> Task<json::value> {
            const auto token = co_await stores_.pushers.remove_all(PusherKeys::parse(body).keys);
            json::value answer;  // null: there was none
            if (token) answer = *token;
            co_return answer;
        });
    }
    if (config_.writes("receipts") || config_.writes("account_data")) {
        add(kReadPositions, [this](replication::RpcArgs, json::value body) -> Task<json::value> {
            auto read = ReadPositions::parse(body);
            auto room_id = proto::RoomId::trusted(std::move(read.room_id));
            co_await receipts_.set(std::move(read.user_id), std::move(room_id), std::move(read.positions));
            co_return json::value();
        });
    }
}

}  // namespace weft::workers
