#include "weft/rest/client/sync.hpp"

#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;

void SyncEndpoints::register_on(http::Router& router) {
    auto paths = http::client_paths("/sync");
    paths.emplace_back("/_matrix/client/v2_alpha/sync");
    router.add(http::Endpoint{.method = http::Method::kGet,
                              .paths = std::move(paths),
                              .operation = "sync",
                              .auth = http::Auth::kGuestToo,
                              .workers = static_cast<http::WorkerKinds>(http::WorkerKind::kSynchrotron),
                              .affinity = http::Affinity::kUser,
                              .timeout_ms = 0},
               std::bind_front(&SyncEndpoints::get_sync, this));
}

Task<http::Response> SyncEndpoints::get_sync(http::Request request) {
    handlers::SyncRequest sync;
    sync.user_id = request.auth().user_id;
    sync.device_id = request.auth().device_id;
    sync.timeout_ms = request.query_int("timeout").value_or(0);
    if (sync.timeout_ms < 0) throw MatrixError::invalid_param("timeout: must not be negative");
    sync.full_state = request.query_bool("full_state").value_or(false);
    sync.use_state_after = request.query_bool("use_state_after").value_or(
        request.query_bool("org.matrix.msc4222.use_state_after").value_or(false));
    if (const auto presence = request.query_param("set_presence")) {
        sync.set_presence = *presence;
        if (*presence != "online" && *presence != "offline" && *presence != "unavailable") {
            throw MatrixError::invalid_param("set_presence: online, offline or unavailable");
        }
    }
    if (const auto since = request.query_param("since"); since && !since->empty()) {
        const auto token = handlers::SyncToken::parse(*since);
        if (!token) throw MatrixError::invalid_param("since: not a token of this server");
        sync.since = *token;
    }
    sync.filter = co_await filters_.find(sync.user_id, std::string{request.query_param("filter").value_or("")});
    auto body = co_await sync_.sync(std::move(sync));
    auto response = http::Response::raw_json(std::move(body.text));
    response.body_stream = std::move(body.parts);
    co_return response;
}

}  // namespace weft::rest
