#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "weft/core/async.hpp"
#include "weft/core/log.hpp"
#include "weft/core/metrics.hpp"
#include "weft/core/random.hpp"
#include "weft/replication/backoff.hpp"
#include "weft/replication/rpc.hpp"

#include "rpc_errors.hpp"

namespace weft::replication {

namespace {

constexpr std::size_t kTransactionIdLetters = 10;

std::string path_of(const RpcRoute& route, const RpcArgs& args) {
    std::string path = "/_synapse/replication/" + route.name;
    for (const auto& arg : args) path += "/" + http::percent_encode(arg);
    if (route.idempotent) path += "/" + core::random_letters(kTransactionIdLetters);
    return path;
}

std::string query_of(const json::value& parameters) {
    std::string query;
    if (!parameters.is_object()) return query;
    for (const auto& [key, value] : parameters.get_object()) {
        query += query.empty() ? "?" : "&";
        query += http::percent_encode(key) + "=";
        query += http::percent_encode(value.is_string() ? std::string_view{value.get_string()}
                                                        : std::string_view{json::serialize(value)});
    }
    return query;
}

/// What the other process threw, or RpcError if it is not meant for a client.
[[noreturn]] void throw_answer(const std::string& name, const std::string& instance,
                               const http::Response& response) {
    json::error_code not_json;
    auto body = json::parse(response.body, not_json);
    const auto* object = not_json ? nullptr : body.if_object();
    const auto* code = object == nullptr ? nullptr : object->if_contains("errcode");
    if (object != nullptr && code == nullptr && response.status < 500) {
        // Interactive authentication: a 401 whose body has no error code.
        core::MatrixError error{response.status, "", ""};
        error.fields = *object;
        throw error;
    }
    if (code == nullptr || !code->is_string()) {
        throw RpcError{
            fmt::format("{} answered {} with status {}: is its address in instance_map an RPC listener?",
                        instance, name, response.status)};
    }
    const std::string errcode{code->get_string()};
    if (errcode == kWrongSecret) {
        core::log_error("replication.rpc", "{} refuses our replication_secret", instance);
        throw RpcError{instance + " refuses our replication_secret"};
    }
    if (response.status == 404 && errcode == "M_UNRECOGNIZED") {
        core::log_error("replication.rpc",
                        "{} does not serve {}: its address in instance_map must be a listener with "
                        "the resource replication",
                        instance, name);
        throw RpcError{instance + " does not serve " + name};
    }
    const auto* text = object->if_contains("error");
    core::MatrixError error{response.status, errcode,
                            text != nullptr && text->is_string() ? std::string{text->get_string()} : ""};
    for (const auto& [key, value] : *object) {
        if (key != "errcode" && key != "error") error.fields[key] = value;
    }
    throw error;
}

}  // namespace

struct RpcClient::Impl {
    Impl(asio::any_io_executor executor, const core::Clock& on, Options with)
        : clock{on}, options{std::move(with)}, http{std::move(executor)} {
        http.use_tls(options.tls);
    }

    const core::Clock& clock;
    Options options;
    http::Client http;
};

RpcClient::RpcClient(asio::any_io_executor executor, const core::Clock& clock, Options options)
    : impl_{std::make_shared<Impl>(std::move(executor), clock, std::move(options))} {}

RpcClient::~RpcClient() = default;

bool RpcClient::knows(const std::string& instance) const {
    return impl_->options.instance_map.contains(instance);
}

void RpcClient::set_address(const std::string& instance, core::InstanceAddress address) {
    impl_->options.instance_map[instance] = std::move(address);
}

Task<json::value> RpcClient::call_json(RpcRoute route, std::string instance, RpcArgs args, json::value body,
                                       RpcCallOptions options) {
    const auto impl = impl_;
    if (instance == impl->options.instance_name)
        throw std::logic_error{route.name + " was called on ourselves"};
    if (args.size() != route.path_args.size())
        throw std::logic_error{route.name + " has other path arguments"};

    http::ClientRequest request;
    request.method = route.method;
    request.server_instance = instance;
    request.target = path_of(route, args);
    if (route.method == http::Method::kGet) {
        request.target += query_of(body);
    } else {
        request.body = json::serialize(body);
        request.headers.set("Content-Type", "application/json");
    }
    if (!impl->options.secret.empty()) request.headers.set("Authorization", "Bearer " + impl->options.secret);

    const auto until = impl->clock.monotonic_ms() + (options.timeout_ms != 0 ? options.timeout_ms : route.deadline_ms);
    const bool repeatable = route.idempotent || route.method == http::Method::kGet;
    Backoff backoff;
    auto requests =
        core::counter("weft_replication_rpc_requests_total", "Calls to other processes, attempts counted",
                      {{"name", route.name}, {"instance", instance}});
    while (true) {
        // It may have come back at another address.
        const auto address = impl->options.instance_map.find(instance);
        if (address == impl->options.instance_map.end())
            throw RpcError{fmt::format("instance_map has no address of {}", instance)};
        const auto to = address->second;
        const auto left = until - impl->clock.monotonic_ms();
        request.timeout_ms =
            std::max<std::int64_t>(1, std::min(options.timeout_ms != 0 ? options.timeout_ms : route.timeout_ms, left));
        requests.increment();
        http::Response response;
        std::string failure;
        bool may_retry = repeatable;
        try {
            response = co_await impl->http.send(to, request);
        } catch (const http::ClientError& error) {
            failure = error.what();
            if (failure.empty()) failure = "no answer";
            const bool is_away = error.kind == http::ClientError::Kind::kConnect;
            if (is_away && options.is_superseded && options.is_superseded())
                throw RpcSuperseded{fmt::format("{} is away, and not responsible any more", instance)};
            may_retry = repeatable || is_away;
        }
        if (failure.empty()) {
            if (response.status >= 200 && response.status < 300) {
                json::error_code error;
                json::parse_options deep;
                deep.max_depth = 200;
                auto answer = json::parse(response.body, error, {}, deep);
                if (error) throw RpcError{fmt::format("{} of {} did not answer JSON", route.name, instance)};
                co_return answer;
            }
            if (response.status != 504) throw_answer(route.name, instance, response);
            failure = "status 504";
        }
        const auto delay = backoff.next(core::random_unit());
        if (!may_retry || impl->clock.monotonic_ms() + delay >= until) {
            core::log_warning("replication.rpc", "{} of {} failed: {}", route.name, instance, failure);
            throw RpcError{fmt::format("Failed to talk to {}", instance)};
        }
        core::log_debug("replication.rpc", "{} of {} failed and is repeated: {}", route.name, instance,
                        failure);
        co_await core::sleep_for(core::Milliseconds{delay});
    }
}

}  // namespace weft::replication
