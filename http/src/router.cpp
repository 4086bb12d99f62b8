#include "weft/http/router.hpp"

#include <chrono>
#include <stdexcept>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "endpoint_metrics.hpp"
#include "error_response.hpp"
#include "route_table.hpp"
#include "weft/core/async.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/core/random.hpp"

namespace weft::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// What nginx logs for a client that left; never sent.
constexpr int kStatusClientGone = 499;
constexpr double kSlowSeconds = 5;

/// A row of the table with what it needs at run time. Shared with its running requests.
struct Route {
    Route(Endpoint row, Handler function)
        : endpoint{std::move(row)},
          handler{std::move(function)},
          metrics{std::string{to_string(endpoint.method)}, endpoint.operation} {}

    Endpoint endpoint;
    Handler handler;
    EndpointMetrics metrics;
};
using RoutePtr = std::shared_ptr<Route>;

class InFlight {
public:
    InFlight() : gauge_{in_flight_gauge_once()} { gauge_.add(1); }
    ~InFlight() { gauge_.add(-1); }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

private:
    static const core::Gauge& in_flight_gauge_once() {
        static const core::Gauge gauge = in_flight_gauge();
        return gauge;
    }
    core::Gauge gauge_;
};

/// What the access log says; the request itself has moved into its handler by then.
struct AccessRecord {
    std::string method_and_path;
    std::string remote_address;
    SteadyClock::time_point started = SteadyClock::now();
};

bool has_token(const Request& request) {
    return request.headers.get("Authorization").has_value() ||
           request.query_param("access_token").has_value();
}

Response not_allowed_response(const std::vector<Method>& allowed) {
    auto response = error_response(core::MatrixError::unrecognized(405));
    std::string names = "OPTIONS";
    for (const auto method : allowed) fmt::format_to(std::back_inserter(names), ", {}", to_string(method));
    response.headers.set("Allow", std::move(names));
    return response;
}

/// What an administrator has taken from the user (client-server API, "Account moderation"). Throws.
void check_moderation(const Requester& requester, const Endpoint& endpoint) {
    if (requester.is_locked && !endpoint.for_locked) {
        throw core::MatrixError{401, "M_USER_LOCKED", "This account has been locked"}.with("soft_logout",
                                                                                           true);
    }
    if (requester.is_suspended && endpoint.refused_to_suspended) {
        throw core::MatrixError{403, "M_USER_SUSPENDED", "You cannot perform this action while suspended."};
    }
}

/// The answer for a request that was cancelled; a client that left gets none.
std::optional<Response> interrupted_response(Interruption why) {
    switch (why) {
        case Interruption::kTimeout:
            return error_response({504, "M_UNKNOWN", "Timed out processing the request"});
        case Interruption::kShutdown:
            return error_response({503, "M_UNKNOWN", "The server is shutting down"});
        case Interruption::kNone:
        case Interruption::kDisconnect:
            break;
    }
    return std::nullopt;
}

/// The answer for an exception: a Matrix error as it is, anything else a logged 500.
Response failure_response(const std::exception_ptr& failure, std::string_view request_id) {
    try {
        std::rethrow_exception(failure);
    } catch (const core::MatrixError& error) {
        return error_response(error);
    } catch (const core::StoreError& error) {
        core::log_error("http.router", "request {} failed in the database: {}", request_id, error.what());
    } catch (const std::exception& error) {
        core::log_error("http.router", "request {} failed: {}", request_id, error.what());
    } catch (...) {
        core::log_error("http.router", "request {} failed with something that is no exception", request_id);
    }
    return internal_error_response(request_id);
}

void log_access(const AccessRecord& record, const Endpoint& endpoint, const core::LogContext& context,
                int status, std::size_t bytes, double seconds) {
    const bool long_poll = endpoint.timeout_ms == 0 || endpoint.operation == "sync";
    const bool remarkable = status >= 500 || (seconds > kSlowSeconds && !long_poll);
    const auto level = remarkable ? core::LogLevel::kInfo : core::LogLevel::kDebug;
    if (!core::log_enabled(level)) return;
    const auto& usage = context.usage();
    core::log_line(
        level, "http.access",
        fmt::format("{} - {} {} {}B {:.3f}s (cpu {:.3f}ms, db {} in {:.3f}ms)", record.remote_address,
                    record.method_and_path, status, bytes, seconds, static_cast<double>(usage.cpu_ns) / 1e6,
                    usage.db_transactions, static_cast<double>(usage.db_ns) / 1e6));
}

}  // namespace

struct Router::Impl {
    Impl() {
        const auto built_in = [](Method method, const char* operation) {
            Endpoint endpoint;
            endpoint.method = method;
            endpoint.operation = operation;
            endpoint.auth = Auth::kNone;
            return endpoint;
        };
        unrecognized = std::make_shared<Route>(built_in(Method::kOther, "unrecognized"), Handler{});
        preflight = std::make_shared<Route>(built_in(Method::kOptions, "preflight"), Handler{});
    }

    /// What a request runs into: its route, or the answer it has at once.
    struct Plan {
        RoutePtr route;
        std::optional<Response> answer;
    };
    Plan plan(Request& request) const;

    Task<Response> perform(RoutePtr route, Request request);
    Task<Response> run(Plan plan, Request request, core::LogContextPtr context,
                       std::shared_ptr<Interruption> interruption);

    RouteTable table;
    std::vector<RoutePtr> routes;
    std::vector<Endpoint> endpoints;
    RoutePtr unrecognized;
    RoutePtr preflight;
    Authenticator authenticator;
    std::function<bool(const Endpoint&)> runs_here;
    Forwarder forwarder;
    std::function<bool()> fence_is_open;
    std::function<Task<void>()> wait_at_fence;
    std::string id_prefix = core::random_alphanumeric(4);
    std::uint64_t next_id = 1;
};

Router::Router() : impl_{std::make_unique<Impl>()} {}
Router::~Router() = default;

void Router::set_authenticator(Authenticator authenticator) {
    impl_->authenticator = std::move(authenticator);
}

void Router::set_forwarder(std::function<bool(const Endpoint&)> here, Forwarder forwarder) {
    impl_->runs_here = std::move(here);
    impl_->forwarder = std::move(forwarder);
}

void Router::set_fence(std::function<bool()> is_open, std::function<Task<void>()> wait) {
    impl_->fence_is_open = std::move(is_open);
    impl_->wait_at_fence = std::move(wait);
}

void Router::add(Endpoint endpoint, Handler handler) {
    if (endpoint.paths.empty()) throw std::logic_error{"endpoint " + endpoint.operation + " has no path"};
    for (const auto& path : endpoint.paths) impl_->table.add(endpoint.method, path, impl_->routes.size());
    impl_->endpoints.push_back(endpoint);
    impl_->routes.push_back(std::make_shared<Route>(std::move(endpoint), std::move(handler)));
}

const std::vector<Endpoint>& Router::endpoints() const {
    return impl_->endpoints;
}

const Endpoint* Router::find(Method method, std::string_view path) const {
    const auto match = impl_->table.match(method, path);
    return match.kind == RouteTable::Match::Kind::kFound ? &impl_->routes[match.route]->endpoint : nullptr;
}

std::size_t Router::body_bytes_max(Method method, std::string_view path, std::size_t default_max) const {
    const auto* endpoint = find(method, path);
    return endpoint && endpoint->body_bytes_max > 0 ? endpoint->body_bytes_max : default_max;
}

Router::Impl::Plan Router::Impl::plan(Request& request) const {
    // CORS wants every path to answer OPTIONS, and nothing of the endpoint to happen (client-server API, "Web
    // Browser Clients").
    if (request.method == Method::kOptions) return {preflight, Response{}};
    auto match = table.match(request.method, request.path);
    switch (match.kind) {
        case RouteTable::Match::Kind::kFound:
            break;
        case RouteTable::Match::Kind::kNoPath:
            return {unrecognized, error_response(core::MatrixError::unrecognized(404))};
        case RouteTable::Match::Kind::kNoMethod:
            return {unrecognized, not_allowed_response(match.allowed)};
        case RouteTable::Match::Kind::kMalformed:
            return {unrecognized,
                    error_response(core::MatrixError::invalid_param("The path is not valid UTF-8"))};
    }
    for (auto& [name, value] : match.params)
        request.path_params.insert_or_assign(std::string{name}, std::move(value));
    return {routes[match.route], std::nullopt};
}

Task<Response> Router::Impl::perform(RoutePtr route, Request request) {
    const auto& endpoint = route->endpoint;
    const bool anywhere = endpoint.runs_at == RunsAt::kAnywhere && endpoint.writes.empty();
    if (!anywhere && runs_here && !runs_here(endpoint)) {
        // Unauthenticated: the process that runs it checks the token itself.
        if (auto stream = std::exchange(request.body_stream, nullptr))
            request.body = co_await read_all(std::move(stream), endpoint.body_bytes_max);
        co_return co_await forwarder(std::move(request), endpoint);
    }
    if (fence_is_open && !fence_is_open()) co_await wait_at_fence();
    const bool authenticate =
        endpoint.auth == Auth::kOptional ? has_token(request) : endpoint.auth != Auth::kNone;
    if (authenticate) {
        if (!authenticator) throw std::logic_error{"no authenticator for " + endpoint.operation};
        request.requester = co_await authenticator(request, endpoint.auth);
        check_moderation(*request.requester, endpoint);
    }
    co_return co_await route->handler(std::move(request));
}

Task<Response> Router::Impl::run(Plan plan, Request request, core::LogContextPtr context,
                                 std::shared_ptr<Interruption> interruption) {
    const InFlight in_flight;
    const AccessRecord record{fmt::format("{} {}", to_string(request.method), request.path),
                              request.remote_address};
    const auto route = std::move(plan.route);
    const auto request_id = request.request_id;
    auto answer = std::move(plan.answer);
    std::exception_ptr failure;
    if (!answer) {
        try {
            answer = co_await perform(route, std::move(request));
        } catch (...) {
            failure = std::current_exception();
        }
    }
    if (failure) {
        // An abort that nobody asked this request for is a failure like others.
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        const bool cancelled =
            cancellation.cancelled() != asio::cancellation_type::none && core::is_cancellation(failure);
        answer = cancelled ? interrupted_response(*interruption) : failure_response(failure, request_id);
    }

    const std::chrono::duration<double> elapsed = SteadyClock::now() - record.started;
    const int status = answer ? answer->status : kStatusClientGone;
    route->metrics.finished(status, elapsed.count());
    log_access(record, route->endpoint, *context, status, answer ? answer->body.size() : 0, elapsed.count());
    if (!answer) std::rethrow_exception(failure);
    co_return std::move(*answer);
}

Call Router::start(Request request) {
    auto plan = impl_->plan(request);
    if (request.request_id.empty())
        request.request_id = fmt::format("{}-{}", impl_->id_prefix, impl_->next_id++);
    const auto& endpoint = plan.route->endpoint;
    const bool is_read = request.method == Method::kGet || request.method == Method::kHead;
    Call call;
    call.context = std::make_shared<core::LogContext>(
        fmt::format("{}-{}-{}", to_string(request.method), endpoint.operation, request.request_id));
    call.timeout_ms = endpoint.timeout_ms;
    call.cancel_on_disconnect = endpoint.on_disconnect == OnDisconnect::kCancel ||
                                (endpoint.on_disconnect == OnDisconnect::kByMethod && is_read);
    call.interruption = std::make_shared<Interruption>(Interruption::kNone);
    call.response = impl_->run(std::move(plan), std::move(request), call.context, call.interruption);
    return call;
}

Task<Response> Router::handle(Request request) {
    auto call = start(std::move(request));
    const auto executor = co_await asio::this_coro::executor;
    // Not the caller's context: what is posted here may run after that has finished.
    const auto neutral = core::with_context(executor, core::sentinel_context());

    const auto cancel = std::make_shared<asio::cancellation_signal>();
    asio::steady_timer deadline{neutral};
    if (call.timeout_ms > 0) {
        deadline.expires_after(core::Milliseconds{call.timeout_ms});
        deadline.async_wait([cancel, interruption = call.interruption](boost::system::error_code error) {
            if (error) return;
            *interruption = Interruption::kTimeout;
            cancel->emit(asio::cancellation_type::terminal);
        });
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.slot().is_connected()) {
        state.slot().assign([cancel](asio::cancellation_type type) { cancel->emit(type); });
    }

    std::optional<Response> response;
    std::exception_ptr failure;
    try {
        response =
            co_await asio::co_spawn(core::with_context(executor, call.context), std::move(call.response),
                                    asio::bind_cancellation_slot(cancel->slot(), asio::use_awaitable));
    } catch (...) {
        failure = std::current_exception();
    }
    deadline.cancel();
    cancel->slot().clear();
    asio::post(neutral, [context = call.context] { context->finish(); });
    if (failure) std::rethrow_exception(failure);
    co_return std::move(*response);
}

std::vector<std::string> client_paths(std::string_view tail) {
    return client_paths({"r0", "v3"}, tail);
}

std::vector<std::string> client_paths(std::initializer_list<std::string_view> versions,
                                      std::string_view tail) {
    std::vector<std::string> out;
    for (const auto version : versions) out.push_back(fmt::format("/_matrix/client/{}{}", version, tail));
    return out;
}

}  // namespace weft::http
