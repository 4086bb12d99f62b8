// First byte: which body of a call between processes; the rest: JSON. What is understood is said again and
// means the same; anything else is refused as the sender's mistake.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "accounts/registration_rpc.hpp"
#include "ephemeral/presence_rpc.hpp"
#include "events/placed_rpc.hpp"
#include "events/send_rpc.hpp"
#include "rooms/set_visibility.hpp"
#include "rpc_bodies.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"
#include "writer_bodies.hpp"

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

/// What converts by Boost.JSON is converted as RpcServer and RpcClient do it: any exception is a refusal.
template <class Body>
void check_converted(const json::value& body) {
    std::optional<Body> parsed;
    try {
        parsed = json::value_to<Body>(body);
    } catch (const std::exception&) {
        return;
    }
    const auto said = json::value_from(*parsed);
    require(json::value_from(json::value_to<Body>(said)) == said);
}

template <class Body>
void check_parsed(const json::value& body) {
    const auto parsed = Body::parse(body);
    require(Body::parse(parsed.to_json()) == parsed);
}

void check_presence(const json::value& body) {
    const auto state = handlers::presence_rpc::SetState::parse(body);
    const auto again = handlers::presence_rpc::SetState::parse(state.to_json());
    require(again.presence == state.presence && again.status_msg == state.status_msg);
    require(again.keep_status_msg == state.keep_status_msg);
}

void check_remove_pusher(const json::value& body) {
    const auto command = workers::parse_remove_pusher(body);
    require(workers::parse_remove_pusher(workers::to_json(command)) == command);
}

void check_federation_ack(const json::value& body) {
    const auto command = workers::parse_federation_ack(body);
    require(workers::parse_federation_ack(workers::to_json(command)) == command);
}

/// A letter of the input chooses: '0' the first.
constexpr std::array kChecks{&check_updates,
                             &check_forwarded,
                             &check_answer,
                             &check_converted<handlers::SendEventsCall>,
                             &check_converted<handlers::SendEventsAnswer>,
                             &check_converted<handlers::SetVisibility>,
                             &check_presence,
                             &check_parsed<workers::DeviceChanges>,
                             &check_parsed<workers::UserSignatures>,
                             &check_parsed<workers::PusherKeys>,
                             &check_parsed<workers::ReadPositions>,
                             &check_remove_pusher,
                             &check_federation_ack,
                             &check_converted<handlers::PlacedEventCall>,
                             &check_converted<handlers::RegisterUserCall>,
                             &check_converted<handlers::PostRegisterCall>,
                             &check_converted<handlers::RegisterDeviceCall>,
                             &check_converted<handlers::RegisterDeviceAnswer>,
                             &check_converted<handlers::StreamIdAnswer>};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto body = proto::parse_json({reinterpret_cast<const char*>(data) + 1, size - 1});
    if (!body) return 0;
    try {
        kChecks[static_cast<std::uint8_t>(data[0] - '0') % kChecks.size()](*body);
    } catch (const core::MatrixError&) {
        return 0;
    }
    return 0;
}
