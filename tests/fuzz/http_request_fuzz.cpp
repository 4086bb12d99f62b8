// Request targets: whatever a client writes there is decoded or refused, and finds the same endpoint each
// time.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weft/http/router.hpp"
#include "weft/http/uri.hpp"
#include "weft/proto/json.hpp"

namespace {

using namespace weft;

void require(bool condition) {
    if (!condition) std::abort();
}

http::Router& router() {
    static http::Router instance;
    static const bool filled = [] {
        const auto add = [](http::Method method, std::vector<std::string> paths) {
            http::Endpoint endpoint;
            endpoint.method = method;
            endpoint.paths = std::move(paths);
            endpoint.operation = "fuzz";
            endpoint.auth = http::Auth::kNone;
            instance.add(std::move(endpoint),
                         [](http::Request) -> Task<http::Response> { co_return http::Response{}; });
        };
        add(http::Method::kGet, http::client_paths("/sync"));
        add(http::Method::kGet, http::client_paths("/rooms/{roomId}/state/{eventType}/{stateKey*}"));
        add(http::Method::kPut, http::client_paths("/rooms/{roomId}/state/{eventType}/{stateKey*}"));
        add(http::Method::kPut, http::client_paths("/rooms/{roomId}/send/{eventType}/{txnId}"));
        add(http::Method::kGet, {"/_matrix/media/{rest*}"});
        add(http::Method::kPost, {"/_matrix/media/v3/upload"});
        return true;
    }();
    require(filled);
    return instance;
}

void check_text(std::string_view text) {
    if (const auto decoded = http::percent_decode(text)) {
        require(proto::is_valid_utf8(*decoded));
        require(http::percent_decode(http::percent_encode(*decoded)) == decoded);
    }
    if (const auto query = http::parse_query(text)) {
        for (const auto& [name, value] : *query)
            require(proto::is_valid_utf8(name) && proto::is_valid_utf8(value));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto method = static_cast<http::Method>(data[0] % (static_cast<int>(http::Method::kOther) + 1));
    const std::string_view target{reinterpret_cast<const char*>(data) + 1, size - 1};
    check_text(target);

    const auto [path, query] = http::split_target(target);
    require(path.size() + query.size() <= target.size() + 1);
    check_text(path);
    check_text(query);

    http::Request request;
    request.method = method;
    request.target = target;
    request.path = path;
    const auto* endpoint = router().find(method, path);
    const auto call = router().start(request);
    require(call.context != nullptr);
    require(router().find(method, path) == endpoint);
    return 0;
}
