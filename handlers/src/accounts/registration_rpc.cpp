#include "accounts/registration_rpc.hpp"

#include <array>
#include <stdexcept>

#include "weft/proto/json.hpp"

namespace weft::handlers {

namespace json = boost::json;

namespace {

constexpr std::size_t kBodyBytesMax = 64 * 1024;
/// Stages that show an address, and the medium of each.
struct AddressStage {
    std::string_view name;
    std::string_view medium;
};
constexpr std::array<AddressStage, 2> kAddressStages{
    {{"m.login.email.identity", "email"}, {"m.login.msisdn", "msisdn"}}};

replication::RpcRoute route(std::string name) {
    return {.name = std::move(name), .path_args = {"user_id"}, .body_bytes_max = kBodyBytesMax};
}

/// Null is none; Synapse writes every key.
std::optional<std::string> optional_text(const json::object& body, std::string_view key) {
    const auto& value = body.at(key);
    if (value.is_null()) return std::nullopt;
    return std::string{value.as_string()};
}

json::value or_null(const std::optional<std::string>& text) {
    return text ? json::value(*text) : json::value();
}

std::optional<PostRegisterCall::Address> parse_address(const json::object& result,
                                                       const AddressStage& stage) {
    const auto* shown = proto::get_object(result, stage.name);
    if (!shown || proto::get_string(*shown, "medium") != stage.medium) return std::nullopt;
    const auto address = proto::get_string(*shown, "address");
    const auto validated_ms = proto::get_int(*shown, "validated_at");
    if (!address || !validated_ms) return std::nullopt;
    return PostRegisterCall::Address{std::string{stage.medium}, std::string{*address}, *validated_ms};
}

}  // namespace

const replication::RpcEndpoint<RegisterUserCall, replication::RpcEmpty> kRegisterUser{route("register_user")};
const replication::RpcEndpoint<PostRegisterCall, replication::RpcEmpty> kPostRegister{route("post_register")};
const replication::RpcEndpoint<RegisterDeviceCall, RegisterDeviceAnswer> kRegisterDevice{
    route("device_check_registered")};

void tag_invoke(json::value_from_tag, json::value& out, const RegisterUserCall& call) {
    out = json::object{{"address", or_null(call.address)},
                       {"admin", call.admin},
                       {"appservice_id", or_null(call.appservice_id)},
                       {"create_profile_with_displayname", or_null(call.displayname)},
                       {"make_guest", call.make_guest},
                       {"password_hash", or_null(call.password_hash)},
                       {"user_type", or_null(call.user_type)},
                       {"was_guest", call.was_guest}};
}

RegisterUserCall tag_invoke(json::value_to_tag<RegisterUserCall>, const json::value& in) {
    const auto& body = in.as_object();
    RegisterUserCall call;
    call.address = optional_text(body, "address");
    call.admin = body.at("admin").as_bool();
    call.appservice_id = optional_text(body, "appservice_id");
    call.displayname = optional_text(body, "create_profile_with_displayname");
    call.make_guest = body.at("make_guest").as_bool();
    call.password_hash = optional_text(body, "password_hash");
    call.user_type = optional_text(body, "user_type");
    call.was_guest = body.at("was_guest").as_bool();
    if (call.was_guest && (call.make_guest || !call.password_hash))
        throw std::invalid_argument{"a guest who becomes a user needs a password"};
    return call;
}

void tag_invoke(json::value_from_tag, json::value& out, const PostRegisterCall& call) {
    json::object result;
    for (const auto& shown : call.addresses) {
        for (const auto& stage : kAddressStages) {
            if (shown.medium != stage.medium) continue;
            result[stage.name] = json::object{
                {"medium", shown.medium}, {"address", shown.address}, {"validated_at", shown.validated_ms}};
        }
    }
    out = json::object{{"access_token", nullptr}, {"auth_result", std::move(result)}};
}

PostRegisterCall tag_invoke(json::value_to_tag<PostRegisterCall>, const json::value& in) {
    const auto& body = in.as_object();
    static_cast<void>(
        optional_text(body, "access_token"));  // for pushers of the kind email; ours are asked for
    PostRegisterCall call;
    const auto& result = body.at("auth_result");
    if (result.is_null()) return call;
    for (const auto& stage : kAddressStages) {
        if (auto shown = parse_address(result.as_object(), stage))
            call.addresses.push_back(std::move(*shown));
    }
    return call;
}

void tag_invoke(json::value_from_tag, json::value& out, const RegisterDeviceCall& call) {
    out = json::object{{"device_id", or_null(call.device_id)},
                       {"initial_display_name", or_null(call.initial_display_name)},
                       {"is_guest", call.is_guest}};
}

RegisterDeviceCall tag_invoke(json::value_to_tag<RegisterDeviceCall>, const json::value& in) {
    const auto& body = in.as_object();
    return {optional_text(body, "device_id"), optional_text(body, "initial_display_name"),
            body.at("is_guest").as_bool()};
}

void tag_invoke(json::value_from_tag, json::value& out, const RegisterDeviceAnswer& answer) {
    out = json::object{{"device_id", answer.device_id}, {"access_token", answer.access_token}};
}

RegisterDeviceAnswer tag_invoke(json::value_to_tag<RegisterDeviceAnswer>, const json::value& in) {
    const auto& answer = in.as_object();
    return {std::string{answer.at("device_id").as_string()},
            std::string{answer.at("access_token").as_string()}};
}

}  // namespace weft::handlers
