// First byte: which body of a call between processes; the rest: JSON. What is understood is said again and
// means the same; anything else is refused as the sender's mistake.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "rpc_bodies.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace {

using namespace weft;
using namespace weft::replication;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_updates(const json::value& body) {
    const auto page = parse_updates(body);
    const auto again = parse_updates(updates_to_json(page));
    require(again.upto == page.upto && again.limited == page.limited && again.begins == page.begins);
    require(again.rows.size() == page.rows.size());
}

void check_forwarded(const json::value& body) {
    const auto request = parse_forwarded(body);
    const auto again = parse_forwarded(forwarded_to_json(request));
    require(again.target == request.target && again.body == request.body);
    require(again.path == request.path && again.remote_address == request.remote_address);
}

void check_answer(const json::value& body) {
    const auto response = parse_answer(body);
    const auto again = parse_answer(answer_to_json(response));
    require(again.status == response.status && again.body == response.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto body = proto::parse_json({reinterpret_cast<const char*>(data) + 1, size - 1});
    if (!body) return 0;
    try {
        switch (data[0] % 3) {
            case 0:
                check_updates(*body);
                break;
            case 1:
                check_forwarded(*body);
                break;
            default:
                check_answer(*body);
        }
    } catch (const core::MatrixError&) {
        return 0;
    }
    return 0;
}
