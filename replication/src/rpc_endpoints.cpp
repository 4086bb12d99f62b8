#include "weft/replication/rpc_endpoints.hpp"

#include <charconv>

#include "weft/proto/json.hpp"

#include "rpc_bodies.hpp"

namespace weft::replication {

namespace {

/// Rows a page of get_repl_stream_updates; both sides of the wire take it for granted.
constexpr std::size_t kRowsPerPage = 100;

std::int64_t token_of(const json::value& body, std::string_view name) {
    const auto text = proto::get_string(body.get_object(), name);
    std::int64_t token = 0;
    const auto* end = text ? text->data() + text->size() : nullptr;
    if (!text || std::from_chars(text->data(), end, token).ptr != end) {
        throw core::MatrixError::invalid_param(std::string{name} + " is not a number");
    }
    return token;
}

Task<json::value> stream_updates(ReplicationCommandHandler& handler, RpcArgs args, json::value body) {
    const auto* stream = handler.find_stream(args[0]);
    if (stream == nullptr) throw core::MatrixError::unknown("There is no stream " + args[0]);
    const auto& self = handler.options().instance_name;
    if (stream->in_memory() && !stream->has_writer(self)) {
        throw core::MatrixError::unknown(self + " does not write the stream " + args[0]);
    }
    const auto from = token_of(body, "from_token");
    const auto upto = token_of(body, "upto_token");
    const auto page = co_await stream->updates(self, from, upto, kRowsPerPage);
    co_return updates_to_json(page);
}

Task<Updates> fetch_updates(RpcClient& client, std::string stream, std::string instance, std::int64_t from,
                            std::int64_t upto) {
    RpcArgs args{std::move(stream)};
    json::value query = json::object{{"from_token", from}, {"upto_token", upto}};
    const auto answer = co_await client.call_json(kStreamUpdatesRoute, std::move(instance), std::move(args),
                                                  std::move(query));
    co_return parse_updates(answer);
}

Task<json::value> run_forwarded(http::Router& router, json::value message) {
    const auto response = co_await router.handle(parse_forwarded(message));
    co_return answer_to_json(response);
}

}  // namespace

const RpcRoute kStreamUpdatesRoute{
    "get_repl_stream_updates", {"stream_name"}, http::Method::kGet, true, 10'000, 10'000, 0};
const RpcRoute kForwardRoute{"weft_forward", {},      http::Method::kPost, true,
                             120'000,        120'000, 64 * 1024 * 1024};

void serve_stream_updates(RpcServer& server, ReplicationCommandHandler& handler) {
    server.serve_json(kStreamUpdatesRoute, [&handler](RpcArgs args, json::value body) {
        return stream_updates(handler, std::move(args), std::move(body));
    });
}

std::function<Task<Updates>(std::string, std::int64_t, std::int64_t, std::size_t)> updates_by_rpc(
    RpcClient& client, std::string stream) {
    return [&client, stream = std::move(stream)](std::string instance, std::int64_t from, std::int64_t upto,
                                                 std::size_t) {
        return fetch_updates(client, stream, std::move(instance), from, upto);
    };
}

Task<http::Response> forward(RpcClient& client, std::string instance, http::Request request) {
    json::value body = forwarded_to_json(request);
    RpcArgs args;
    const auto answer =
        co_await client.call_json(kForwardRoute, std::move(instance), std::move(args), std::move(body));
    co_return parse_answer(answer);
}

void serve_forward(RpcServer& server, http::Router& router) {
    server.serve_json(kForwardRoute, [&router](RpcArgs, json::value body) {
        return run_forwarded(router, std::move(body));
    });
}

}  // namespace weft::replication
