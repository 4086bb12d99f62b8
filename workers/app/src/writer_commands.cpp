#include "writer_commands.hpp"

#include "writer_bodies.hpp"

namespace weft::workers {
namespace {

namespace json = boost::json;
using proto::replication::FederationAck;
using proto::replication::RemovePusher;

using Endpoint = replication::RpcEndpoint<json::value, replication::RpcEmpty>;

const Endpoint kRemovePusher{{.name = "weft_remove_pusher", .body_bytes_max = 64 * 1024}};
const Endpoint kFederationAck{
    {.name = "weft_federation_ack", .idempotent = false, .body_bytes_max = 64 * 1024}};

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
    co_await rpc_.call(kRemovePusher, config_.writers_of("pushers").front(), {}, to_json(command));
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
                co_await remove_pusher(parse_remove_pusher(body));
                co_return replication::RpcEmpty{};
            });
    }
    if (federation_) {
        server.serve<json::value, replication::RpcEmpty>(
            kFederationAck, [this](replication::RpcArgs, json::value body) -> Task<replication::RpcEmpty> {
                co_await federation_ack(parse_federation_ack(body));
                co_return replication::RpcEmpty{};
            });
    }
}

}  // namespace weft::workers
