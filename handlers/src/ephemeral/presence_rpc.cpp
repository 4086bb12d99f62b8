#include "ephemeral/presence_rpc.hpp"

#include "weft/core/errors.hpp"
#include "weft/handlers/ephemeral/presence_status.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers::presence_rpc {
namespace {

namespace json = boost::json;

/// What is told too late is not worth telling: the user has moved on by then.
Endpoint endpoint(std::string name) {
    return {{.name = std::move(name),
             .path_args = {"user_id"},
             .method = http::Method::kPost,
             .idempotent = false,
             .timeout_ms = 10'000,
             .deadline_ms = 20'000,
             .body_bytes_max = 64 * 1024}};
}

}  // namespace

const Endpoint& set_state_endpoint() {
    static const auto kEndpoint = endpoint("presence_set_state");
    return kEndpoint;
}

const Endpoint& bump_active_endpoint() {
    static const auto kEndpoint = endpoint("bump_presence_active_time");
    return kEndpoint;
}

const Endpoint& tell_again_endpoint() {
    static const auto kEndpoint = endpoint("weft_presence_tell_again");
    return kEndpoint;
}

json::value SetState::to_json() const {
    json::object state{{"presence", presence}};
    if (status_msg) state["status_msg"] = *status_msg;
    return json::object{{"state", std::move(state)}, {"ignore_status_msg", keep_status_msg}};
}

SetState SetState::parse(const json::value& body) {
    const auto* object = body.if_object();
    const auto* state = object ? proto::get_object(*object, "state") : nullptr;
    const auto presence = state ? proto::get_string(*state, "presence") : std::nullopt;
    SetState parsed;
    if (presence) parsed.presence = std::string{*presence};
    if (!is_presence_state(parsed.presence)) throw core::MatrixError::bad_json("not a presence state");
    if (const auto text = proto::get_string(*state, "status_msg")) parsed.status_msg = std::string{*text};
    parsed.keep_status_msg = proto::get_bool(*object, "ignore_status_msg").value_or(false);
    return parsed;
}

}  // namespace weft::handlers::presence_rpc
