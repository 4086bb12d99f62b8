#include "weft/rest/client/cross_signing.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {
namespace {

std::optional<boost::json::object> key_of(const boost::json::object& body, std::string_view name) {
    const auto* const value = proto::find(body, name);
    if (!value || value->is_null()) return std::nullopt;
    return optional_object(body, name);
}

}  // namespace

void CrossSigningEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths({"r0", "v3", "unstable"}, "/keys/device_signing/upload"),
                .operation = "uploadCrossSigningKeys",
                .auth = http::Auth::kAccessToken,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&CrossSigningEndpoints::post_keys, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths({"r0", "v3", "unstable"}, "/keys/signatures/upload"),
                .operation = "uploadCrossSigningSignatures",
                .auth = http::Auth::kAccessToken,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&CrossSigningEndpoints::post_signatures, this));
}

Task<http::Response> CrossSigningEndpoints::post_keys(http::Request request) {
    auto body = request.json_body();
    handlers::CrossSigning::Keys keys{key_of(body, "master_key"), key_of(body, "self_signing_key"),
                                      key_of(body, "user_signing_key")};
    auto operation = handlers::operation_of(request, std::move(body));
    handlers::CrossSigning::Prove prove = [this, &operation]() -> Task<void> {
        co_await interactive_auth_.require(operation, password_flow());
    };
    co_await cross_signing_.upload_keys(request.auth().user_id, std::move(keys), std::move(prove));
    co_return http::Response::empty_object();
}

Task<http::Response> CrossSigningEndpoints::post_signatures(http::Request request) {
    auto failures = co_await cross_signing_.upload_signatures(request.auth().user_id, request.json_body());
    co_return http::Response::json(boost::json::object{{"failures", std::move(failures)}});
}

}  // namespace weft::rest
