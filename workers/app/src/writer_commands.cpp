#include "writer_commands.hpp"

#include "weft/proto/json.hpp"

namespace weft::workers {
namespace {

namespace json = boost::json;
using proto::replication::FederationAck;
using proto::replication::RemovePusher;

using Endpoint = replication::RpcEndpoint<json::value, replication::RpcEmpty>;

const Endpoint kRemovePusher{{.name = "weft_remove_pusher", .body_bytes_max = 64 * 1024}};
const Endpoint kFederationAck{
    {.name = "weft_federation_ack", .idempotent = false, .body_bytes_max = 64 * 1024}};

const json::object& object_of(const json::value& body) {
    const auto* object = body.if_object();
    if (object == nullptr) throw core::MatrixError::bad_json("not an object");
    return *object;
}

std::string string_of(const json::value& body, std::string_view name) {
    const auto text = proto::get_string(object_of(body), name);
    if (!text) throw core::MatrixError::bad_json(std::string{name} + " is missing");
    return std::string{*text};
}

FederationAck ack_of(const json::value& body) {
    const auto token = proto::get_int(object_of(body), "token");
    if (!token) throw core::MatrixError::bad_json("token is missing");
    FederationAck ack{std::nullopt, *token};
    if (const auto instance = proto::get_string(object_of(body), "instance")) ack.instance = *instance;
    return ack;
}

json::value to_json(const FederationAck& ack) {
    json::object body{{"token", ack.token}};
    if (ack.instance) body["instance"] = *ack.instance;
    return body;
}

}  // namespace

WriterCommands::WriterCommands(storage::PusherStore& pushers,
                               std::optional<handlers::FederationQueue>& federation,
                               replication::RpcClient& rpc, const core::Config& config)
    : pushers_{pushers}, federation_{federation}, rpc_{rpc}, config_{config} {}

Task<void> WriterCommands::remove_pusher(RemovePusher command) {
    if (config_.writes("pushers")) {
        co_await pushers_.remove({command.user_id, command.app_id, command.push_key});
        co_return;
    }
    json::value body = json::object{
        {"app_id", command.app_id}, {"push_key", command.push_key}, {"user_id", command.user_id}};
    co_await rpc_.call(kRemovePusher, config_.writers_of("pushers").front(), {}, std::move(body));
}

Task<void> WriterCommands::federation_ack(FederationAck command) {
    if (federation_) {
        federation_->acknowledge(command.instance, command.token);
        co_return;
    }
    co_await rpc_.call(kFederationAck, config_.writers_of("federation").front(), {}, to_json(command));
}

void WriterCommands::serve(replication::RpcServer& server) {
    if (config_.writes("pushers")) {
        server.serve<json::value, replication::RpcEmpty>(
            kRemovePusher, [this](replication::RpcArgs, json::value body) -> Task<replication::RpcEmpty> {
                co_await remove_pusher(
                    {string_of(body, "app_id"), string_of(body, "push_key"), string_of(body, "user_id")});
                co_return replication::RpcEmpty{};
            });
    }
    if (federation_) {
        server.serve<json::value, replication::RpcEmpty>(
            kFederationAck, [this](replication::RpcArgs, json::value body) -> Task<replication::RpcEmpty> {
                co_await federation_ack(ack_of(body));
                co_return replication::RpcEmpty{};
            });
    }
}

}  // namespace weft::workers
