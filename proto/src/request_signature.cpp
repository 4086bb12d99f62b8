#include "weft/proto/request_signature.hpp"

#include <fmt/format.h>

namespace weft::proto {

std::string x_matrix_authorization(const RequestToSign& request, const SigningKey& key) {
    json::object to_sign{{"method", request.method},
                         {"uri", request.uri},
                         {"origin", request.origin},
                         {"destination", request.destination}};
    if (request.content) to_sign["content"] = *request.content;
    const auto signature = key.sign(canonical_json(to_sign));
    return fmt::format(R"(X-Matrix origin="{}",destination="{}",key="{}",sig="{}")", request.origin, request.destination,
                       key.key_id(), signature);
}

}  // namespace weft::proto
