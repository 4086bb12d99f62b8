#pragma once

#include <string>
#include <string_view>

#include "weft/proto/crypto.hpp"
#include "weft/proto/json.hpp"

namespace weft::proto {

/// A request from this server to another, as it is signed (server-server API, "Request Authentication").
struct RequestToSign {
    std::string_view method;       // GET, POST, …
    std::string_view uri;          // path and query
    std::string_view origin;       // this server's name
    std::string_view destination;  // the other's
    const json::object* content = nullptr;  // the body; none: without
};

/// Value of the `Authorization` header.
std::string x_matrix_authorization(const RequestToSign& request, const SigningKey& key);

}  // namespace weft::proto
