#include <deque>
#include <map>

#include <openssl/crypto.h>
#include <boost/asio/ip/address.hpp>
#include <boost/json/serialize.hpp>

#include "weft/core/async.hpp"
#include "weft/core/metrics.hpp"
#include "weft/replication/rpc.hpp"

#include "rpc_errors.hpp"

namespace weft::replication {

struct RpcServer::Impl : std::enable_shared_from_this<Impl> {
    /// One call, shared by all requests with its ID.
    struct Call {
        explicit Call(const asio::any_io_executor& executor) : done{executor} {}
        core::Signal done;
        bool is_done = false;
        std::string answer;
        std::exception_ptr failure;
    };
    struct Kept {
        std::string key;
        std::int64_t until_ms = 0;
        std::size_t bytes = 0;
    };

    Impl(asio::any_io_executor executor, const core::Clock& on, http::Router& to, Options with)
        : clock{on}, router{to}, options{with}, tasks{std::move(executor)} {}

    Task<http::Response> handle(RpcRoute route, JsonFunction function, http::Request request);
    Task<void> run(std::shared_ptr<Call> call, std::string key, JsonFunction function, RpcArgs args,
                   json::value body);
    Task<http::Response> shared_answer(std::shared_ptr<Call> call);
    void keep(const std::string& key, const Call& call);
    void forget_old();

    const core::Clock& clock;
    http::Router& router;
    Options options;
    std::map<std::string, std::shared_ptr<Call>> calls;
    std::deque<Kept> kept;
    std::size_t kept_bytes = 0;
    core::BackgroundTasks tasks;
};

namespace {

/// A 504 would make the caller repeat for ever what has an answer.
void hide_timeouts(std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (core::MatrixError& error) {
        if (error.http_status != 504) return;
        error.http_status = 502;
        failure = std::make_exception_ptr(error);
    } catch (...) {
        return;
    }
}

json::value body_of(const http::Request& request) {
    if (request.method != http::Method::kGet) return request.json_body(true);
    json::object body;
    for (const auto& [key, value] : request.query) body[key] = value;
    return body;
}

}  // namespace

Task<http::Response> RpcServer::Impl::handle(RpcRoute route, JsonFunction function, http::Request request) {
    RpcArgs args;
    for (const auto& name : route.path_args) args.push_back(request.param(name));
    auto body = body_of(request);
    core::counter("weft_replication_rpc_served_total", "Calls by other processes", {{"name", route.name}})
        .increment();

    if (!route.idempotent) {
        const auto answer = co_await function(std::move(args), std::move(body));
        co_return http::Response::raw_json(json::serialize(answer));
    }
    forget_old();
    const auto& key = request.path;  // ends in the request ID
    const auto known = calls.find(key);
    if (known != calls.end()) co_return co_await shared_answer(known->second);

    auto call = std::make_shared<Call>(tasks.executor());
    calls.emplace(key, call);
    // In a process of its own: a caller that goes away and comes back finds the call still running.
    tasks.spawn_child("rpc_" + route.name, [this, call, key, function, args, body] {
        return run(call, key, function, args, body);
    });
    co_return co_await shared_answer(call);
}

Task<void> RpcServer::Impl::run(std::shared_ptr<Call> call, std::string key, JsonFunction function,
                                RpcArgs args, json::value body) {
    try {
        const auto answer = co_await function(std::move(args), std::move(body));
        call->answer = json::serialize(answer);
    } catch (...) {
        call->failure = std::current_exception();
        hide_timeouts(call->failure);
    }
    call->is_done = true;
    if (call->failure) {
        calls.erase(key);  // a retry tries again
    } else {
        keep(key, *call);
    }
    call->done.notify_all();
}

Task<http::Response> RpcServer::Impl::shared_answer(std::shared_ptr<Call> call) {
    while (!call->is_done) co_await call->done.wait();
    if (call->failure) std::rethrow_exception(call->failure);
    co_return http::Response::raw_json(call->answer);
}

void RpcServer::Impl::keep(const std::string& key, const Call& call) {
    kept.push_back({key, clock.monotonic_ms() + options.answers_kept_ms, call.answer.size()});
    kept_bytes += call.answer.size();
    forget_old();
}

void RpcServer::Impl::forget_old() {
    const auto now = clock.monotonic_ms();
    while (!kept.empty() && (kept.front().until_ms <= now || kept.size() > options.answers_max ||
                             kept_bytes > options.answer_bytes_max)) {
        kept_bytes -= kept.front().bytes;
        calls.erase(kept.front().key);
        kept.pop_front();
    }
}

RpcServer::RpcServer(asio::any_io_executor executor, const core::Clock& clock, http::Router& router)
    : RpcServer{std::move(executor), clock, router, Options{}} {}

RpcServer::RpcServer(asio::any_io_executor executor, const core::Clock& clock, http::Router& router,
                     Options options)
    : impl_{std::make_shared<Impl>(std::move(executor), clock, router, options)} {}

RpcServer::~RpcServer() = default;

void RpcServer::serve_json(RpcRoute route, JsonFunction function) {
    http::Endpoint endpoint;
    endpoint.method = route.method;
    std::string path = "/_synapse/replication/" + route.name;
    for (const auto& arg : route.path_args) path += "/{" + arg + "}";
    if (route.idempotent) path += "/{txn_id}";
    endpoint.paths = {path};
    endpoint.operation = "rpc_" + route.name;
    endpoint.auth = http::Auth::kReplication;
    endpoint.body_bytes_max = route.body_bytes_max;
    endpoint.timeout_ms = 0;  // the caller has its own, and the answer is kept for its retry
    impl_->router.add(std::move(endpoint), [impl = impl_.get(), route = std::move(route),
                                            function = std::move(function)](http::Request request) {
        return impl->handle(route, function, std::move(request));
    });
}

Task<void> RpcServer::stop() {
    co_await impl_->tasks.stop();
}

void check_replication_secret(const http::Request& request, const std::string& secret) {
    constexpr std::string_view kScheme = "Bearer ";
    const auto header = request.headers.get("Authorization").value_or("");
    const auto given = header.starts_with(kScheme) ? header.substr(kScheme.size()) : std::string_view{};
    const bool is_right = !secret.empty() && given.size() == secret.size() &&
                          CRYPTO_memcmp(given.data(), secret.data(), secret.size()) == 0;
    if (!is_right) throw core::MatrixError{403, kWrongSecret, "The replication secret is missing or wrong"};
}

namespace {

/// From a unix socket or the loopback interface.
bool is_from_this_machine(const http::Request& request) {
    if (request.remote_address == "unix") return true;
    boost::system::error_code error;
    const auto address = asio::ip::make_address(request.remote_address, error);
    return !error && address.is_loopback();
}

}  // namespace

http::Router::Authenticator rpc_authenticator(std::string secret, UnauthenticatedRpc unauthenticated) {
    return [secret = std::move(secret), unauthenticated](const http::Request& request,
                                                         http::Auth auth) -> Task<http::Requester> {
        // Not a coroutine that outlives its caller: the router keeps request and authenticator while it
        // waits.
        if (auth != http::Auth::kReplication) throw core::MatrixError::unrecognized(404);
        const bool may_go_without =
            unauthenticated == UnauthenticatedRpc::kThisMachine && is_from_this_machine(request);
        // Whoever gives a secret has to know it.
        if (!may_go_without || request.headers.get("Authorization")) check_replication_secret(request, secret);
        co_return http::Requester{};
    };
}

}  // namespace weft::replication
