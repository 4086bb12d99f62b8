#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <boost/json.hpp>

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/errors.hpp"
#include "weft/http/client.hpp"
#include "weft/http/router.hpp"

/// Calls between processes where an answer is needed: HTTP under `/_synapse/replication/`. An endpoint is
/// declared once and used from both ends.
namespace weft::replication {

namespace json = boost::json;

/// A request or response without content: `{}`.
struct RpcEmpty {
    friend void tag_invoke(json::value_from_tag, json::value& out, const RpcEmpty&) { out = json::object{}; }
    friend RpcEmpty tag_invoke(json::value_to_tag<RpcEmpty>, const json::value&) { return {}; }
};

/// What both ends of an endpoint must agree on.
struct RpcRoute {
    std::string name;
    /// Names of the path arguments, in order.
    std::vector<std::string> path_args;
    http::Method method = http::Method::kPost;
    /// A retry that carries the same request ID gets the first answer; the path ends in that ID.
    bool idempotent = true;
    /// How long the caller waits for one attempt.
    std::int64_t timeout_ms = 60'000;
    /// How long attempts are repeated after connection failures and timeouts.
    std::int64_t deadline_ms = 90'000;
    std::size_t body_bytes_max = 64 * 1024 * 1024;
};

/// One kind of call. `Request` and `Response` convert through Boost.JSON (value_from and value_to; tag_invoke
/// for own types).
template <class Request, class Response>
struct RpcEndpoint {
    RpcRoute route;
};

/// No answer came from the other process, or one that is not for the client: 502 to whoever asked.
class RpcError : public core::MatrixError {
public:
    explicit RpcError(const std::string& text) : MatrixError{502, "M_UNKNOWN", text} {}
};

/// The process that was called is away, and the caller has learned that another one is responsible now.
class RpcSuperseded : public RpcError {
public:
    using RpcError::RpcError;
};

using RpcArgs = std::vector<std::string>;

/// How one call differs from what its route says.
struct RpcCallOptions {
    std::int64_t timeout_ms = 0;  // of the attempts and of all together; 0: as the route says
    /// Asked whenever the process could not be reached: true ends the call with RpcSuperseded.
    std::function<bool()> is_superseded = {};
};

/// The calling end. Matrix errors of the other process are thrown as they are, further fields included.
class RpcClient {
public:
    struct Options {
        std::string instance_name;
        std::map<std::string, core::InstanceAddress> instance_map;
        std::string secret;
        /// For TCP: calls go by secure connections, or not at all.
        core::TlsContext tls = {};
    };

    RpcClient(asio::any_io_executor executor, const core::Clock& clock, Options options);
    ~RpcClient();

    /// True if there is an address for the instance.
    bool knows(const std::string& instance) const;
    void set_address(const std::string& instance, core::InstanceAddress address);

    template <class Request, class Response>
    Task<Response> call(const RpcEndpoint<Request, Response>& endpoint, std::string instance, RpcArgs args,
                        Request request, RpcCallOptions options = {}) {
        auto body = json::value_from(std::move(request));
        auto answer = co_await call_json(endpoint.route, std::move(instance), std::move(args),
                                         std::move(body), std::move(options));
        if constexpr (std::is_same_v<Response, json::value>) {
            co_return answer;
        } else {
            co_return convert<Response>(endpoint.route.name, answer);
        }
    }

    /// The same without types. For GET the members of `body` become the query.
    Task<json::value> call_json(RpcRoute route, std::string instance, RpcArgs args, json::value body,
                                RpcCallOptions options = {});

private:
    template <class Response>
    static Response convert(const std::string& name, const json::value& answer) {
        try {
            return json::value_to<Response>(answer);
        } catch (const std::exception& e) {
            throw RpcError{"Unexpected answer of " + name + ": " + e.what()};
        }
    }

    struct Impl;
    std::shared_ptr<Impl> impl_;
};

/// The answering end: mounts endpoints on a router that is reached by an RPC listener only.
class RpcServer {
public:
    struct Options {
        /// How long, and how many at most, successful answers are kept for retries. Failures are not kept.
        std::int64_t answers_kept_ms = 30 * 60 * 1000;
        std::size_t answers_max = 10'000;
        std::size_t answer_bytes_max = 32 * 1024 * 1024;  // of all kept answers together
    };

    RpcServer(asio::any_io_executor executor, const core::Clock& clock, http::Router& router);
    RpcServer(asio::any_io_executor executor, const core::Clock& clock, http::Router& router,
              Options options);
    ~RpcServer();

    /// `function` is `Task<Response>(RpcArgs, Request)`.
    template <class Request, class Response>
    void serve(const RpcEndpoint<Request, Response>& endpoint,
               std::function<Task<Response>(RpcArgs, Request)> function) {
        serve_json(endpoint.route, wrap<Request, Response>(std::move(function)));
    }

    using JsonFunction = std::function<Task<json::value>(RpcArgs args, json::value body)>;
    /// The same without types. For GET `body` is an object of the query's parameters, as strings.
    void serve_json(RpcRoute route, JsonFunction function);

    /// Cancels calls in progress and awaits them.
    Task<void> stop();

private:
    template <class Request, class Response>
    static JsonFunction wrap(std::function<Task<Response>(RpcArgs, Request)> function) {
        return [function = std::move(function)](RpcArgs args, json::value body) -> Task<json::value> {
            return answer<Request, Response>(function, std::move(args), std::move(body));
        };
    }
    template <class Request, class Response>
    static Task<json::value> answer(std::function<Task<Response>(RpcArgs, Request)> function, RpcArgs args,
                                    json::value body) {
        auto response = co_await function(std::move(args), convert<Request>(std::move(body)));
        co_return json::value_from(std::move(response));
    }
    template <class Request>
    static Request convert(json::value body) {
        if constexpr (std::is_same_v<Request, json::value>) {
            return body;
        } else {
            try {
                return json::value_to<Request>(body);
            } catch (const std::exception& e) {
                throw core::MatrixError::bad_json(e.what());
            }
        }
    }

    struct Impl;
    std::shared_ptr<Impl> impl_;
};

/// Checks `Authorization: Bearer <secret>`; throws MatrixError if it is missing or wrong. An empty secret
/// lets nobody in.
void check_replication_secret(const http::Request& request, const std::string& secret);
/// Who may call without the secret.
enum class UnauthenticatedRpc { kNobody, kThisMachine };
/// For a router that serves RPC only: lets the cluster's secret in, and who may go without.
http::Router::Authenticator rpc_authenticator(std::string secret,
                                              UnauthenticatedRpc unauthenticated = UnauthenticatedRpc::kNobody);

}  // namespace weft::replication
