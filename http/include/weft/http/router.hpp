#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weft/core/log_context.hpp"
#include "weft/core/task.hpp"
#include "weft/http/message.hpp"

namespace weft::http {

/// What an endpoint wants to know about the caller.
enum class Auth {
    kNone,         // nobody
    kOptional,     // a token is checked if there is one
    kAccessToken,  // a valid access token; guests refused
    kGuestToo,     // a valid access token; guests welcome
    kAdmin,        // a server administrator
    kReplication,  // the cluster's shared secret
};

/// Which worker kinds the proxy should send an endpoint to; the master serves everything. A bit each.
enum class WorkerKind : std::uint32_t {
    kMaster = 0,
    kSynchrotron = 1,
    kClientReader = 2,
    kEventPersister = 4,
    kPusher = 16,      // runs loops, gets no requests
    kAppservice = 32,  // likewise
    kMedia = 64,
};
using WorkerKinds = std::uint32_t;
constexpr WorkerKinds operator|(WorkerKind a, WorkerKind b) {
    return static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b);
}

/// How requests are spread over several processes of a kind.
enum class Affinity { kAny, kUser, kRoom };

/// Where a request has to run: anywhere, or in the master. A request that arrives elsewhere is forwarded there,
/// so a wrong route is slower, never wrong.
enum class RunsAt { kAnywhere, kMaster };

/// What happens to the handler when its client goes away. By method: reads are cancelled, writes run to their
/// end, because half of a write helps nobody.
enum class OnDisconnect { kByMethod, kCancel, kFinish };

/// One operation of an API: one row of the endpoint table.
struct Endpoint {
    Method method = Method::kGet;
    /// Templates, one a version prefix: `/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`.
    /// `{name}` matches one segment, `{name*}` the (possibly empty) rest.
    std::vector<std::string> paths;
    std::string operation;  // the specification's operationId; metric label
    Auth auth = Auth::kAccessToken;
    WorkerKinds workers = 0;  // 0: master only
    Affinity affinity = Affinity::kAny;
    RunsAt runs_at = RunsAt::kAnywhere;
    /// The stream that the endpoint writes: it runs in that stream's writer, and `runs_at` has no say. Not for the
    /// events stream, which senders reach by calls of their own.
    std::string writes = {};
    std::size_t body_bytes_max = 0;    // 0: the server's default
    /// The handler runs before the body has come and reads it from `Request::body_stream`.
    bool streams_body = false;
    std::int64_t timeout_ms = 60'000;  // 0: none (long polls bound themselves)
    OnDisconnect on_disconnect = OnDisconnect::kByMethod;
    bool for_locked = false;            // also users whose account is locked may do it
    bool refused_to_suspended = false;  // users whose account is suspended may not
};

/// Why a running request is cancelled; decides what is answered.
enum class Interruption { kNone, kTimeout, kShutdown, kDisconnect };

/// A request that has found its endpoint and is ready to run. Whoever runs it (the server) owns the
/// cancellation.
struct Call {
    core::LogContextPtr
        context;  // `response` runs on core::with_context(executor, context); finished by the caller
    std::int64_t timeout_ms = 0;  // of the endpoint; 0: none
    bool cancel_on_disconnect = false;
    /// Set before cancelling `response`: a timeout and a shutdown still give an answer.
    std::shared_ptr<Interruption> interruption;
    Task<Response> response;
};

/// `/_matrix/client/{r0,v3}` + tail, e.g. client_paths("/sync").
std::vector<std::string> client_paths(std::string_view tail);
/// The same for explicit versions, e.g. client_paths({"v1"}, "/login/get_token").
std::vector<std::string> client_paths(std::initializer_list<std::string_view> versions,
                                      std::string_view tail);

/// Finds the endpoint of a request, authenticates, applies limits and timeouts, turns exceptions into Matrix
/// errors, counts and times. Unknown path: 404 M_UNRECOGNIZED; known path, other method: 405 M_UNRECOGNIZED.
class Router {
public:
    /// Checks a token; throws MatrixError (M_MISSING_TOKEN, M_UNKNOWN_TOKEN, M_FORBIDDEN …).
    using Authenticator = std::function<Task<Requester>(const Request& request, Auth auth)>;
    /// Runs a request at another process; used for endpoints that may not run here.
    using Forwarder = std::function<Task<Response>(Request request, const Endpoint& endpoint)>;

    Router();
    ~Router();
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    void set_authenticator(Authenticator authenticator);
    /// `here(endpoint)` says whether the endpoint may run in this process.
    void set_forwarder(std::function<bool(const Endpoint&)> here, Forwarder forwarder);

    /// Before anything is read for a request that runs here: unless `is_open()`, `wait` is awaited.
    void set_fence(std::function<bool()> is_open, std::function<Task<void>()> wait);

    void add(Endpoint endpoint, Handler handler);
    const std::vector<Endpoint>& endpoints() const;

    /// The limit of the body for a request line, known before the body is read.
    std::size_t body_bytes_max(Method method, std::string_view path, std::size_t default_max) const;
    /// The endpoint that serves a path; null where there is none.
    const Endpoint* find(Method method, std::string_view path) const;

    /// Finds the endpoint and prepares the request's log context; nothing runs yet. `Call::response` gives an
    /// answer always, as handle() does.
    Call start(Request request);
    /// start() and run, with the endpoint's timeout. The answer, always: exceptions become error responses,
    /// unknown ones a logged 500 with the request ID.
    Task<Response> handle(Request request);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::http
