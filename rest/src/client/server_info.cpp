#include "weft/rest/client/server_info.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "client/server_info_documents.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

ServerInfoEndpoints::ServerInfoEndpoints(const core::Config& config)
    : versions_{proto::to_json(versions_document())},
      capabilities_{proto::to_json(capabilities_document(config))} {
    capabilities_of_admins_ = proto::to_json(capabilities_document_of_admins(config));
    if (const auto document = client_well_known(config)) well_known_ = proto::to_json(*document);
    if (const auto document = support_document(config)) support_ = proto::to_json(*document);
}

void ServerInfoEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = {"/_matrix/client/versions"},
                .operation = "getVersions",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&ServerInfoEndpoints::get_versions, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/capabilities"),
                .operation = "getCapabilities",
                .auth = http::Auth::kGuestToo,
                .workers = kOnClientReader},
               std::bind_front(&ServerInfoEndpoints::get_capabilities, this));
    router.add({.method = http::Method::kGet,
                .paths = {"/.well-known/matrix/client"},
                .operation = "getWellknown",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&ServerInfoEndpoints::get_well_known, this));
    router.add({.method = http::Method::kGet,
                .paths = {"/.well-known/matrix/support"},
                .operation = "getWellknownSupport",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&ServerInfoEndpoints::get_support, this));
    router.add({.method = http::Method::kGet,
                .paths = {"/.well-known/matrix/policy_server"},
                .operation = "getWellknownPolicy",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&ServerInfoEndpoints::get_policy_server, this));
}

Task<http::Response> ServerInfoEndpoints::get_versions(http::Request) {
    co_return http::Response::raw_json(versions_);
}

Task<http::Response> ServerInfoEndpoints::get_capabilities(http::Request request) {
    co_return http::Response::raw_json(request.auth().is_admin ? capabilities_of_admins_ : capabilities_);
}

Task<http::Response> ServerInfoEndpoints::get_well_known(http::Request) {
    if (!well_known_)
        throw core::MatrixError::not_found("This server does not say where its clients should connect");
    co_return http::Response::raw_json(*well_known_);
}

Task<http::Response> ServerInfoEndpoints::get_support(http::Request) {
    if (!support_) throw core::MatrixError::not_found("This server does not say whom to ask for help");
    co_return http::Response::raw_json(*support_);
}

Task<http::Response> ServerInfoEndpoints::get_policy_server(http::Request) {
    // Where one runs beside this server, the proxy answers with its keys.
    throw core::MatrixError::not_found("There is no policy server here");
}

}  // namespace weft::rest
