// Registration and login by client readers of Synapse 1.15: they have asked people, the master stores.
#include "accounts/registration_rpc.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/handlers/accounts/account_status.hpp"
#include "weft/handlers/accounts/registration.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {

std::string Registration::own_user_id(const std::string& text) const {
    const auto user = proto::UserId::parse(text);
    if (!user || user->server_name() != config_.server_name)
        throw core::MatrixError::invalid_param("not a user of this server");
    return text;
}

Task<void> Registration::store_checked(std::string user_id, RegisterUserCall call) {
    if (call.address) accounts_by_address_.acquire(*call.address);
    if (call.was_guest) {
        co_await upgrade_checked_guest(std::move(user_id), std::move(*call.password_hash));
        co_return;
    }
    storage::NewUser user;
    user.user_id = user_id;
    user.password_hash = std::move(call.password_hash);
    user.admin = call.admin;
    user.guest = call.make_guest;
    user.appservice_id = std::move(call.appservice_id);
    user.user_type = std::move(call.user_type);
    user.displayname = std::move(call.displayname);
    if (!co_await users_.create_user(std::move(user)))
        throw core::MatrixError{400, "M_USER_IN_USE", "User ID already taken."};
    core::log_info("accounts", "new account {}, checked by another process", user_id);
}

Task<void> Registration::add_shown_addresses(std::string user_id, PostRegisterCall call) {
    for (auto& shown : call.addresses) {
        auto address = shown.medium == ThirdPartyIds::kEmail ? canonical_email(shown.address) : shown.address;
        ProvenAddress proven{{}, std::move(shown.medium), std::move(address), shown.validated_ms};
        co_await third_party_ids_.add_to_new_account(user_id, std::move(proven));
    }
}

Task<RegisterDeviceAnswer> Registration::log_in_checked(std::string user_id, RegisterDeviceCall call) {
    const auto user = co_await users_.get_user(user_id);
    if (!user) throw core::MatrixError::not_found("There is no such account");
    if (user->deactivated)
        throw core::MatrixError{403, "M_USER_DEACTIVATED", "This account has been deactivated"};
    if (user->locked) throw account_locked();
    // Whether somebody is a guest stands in the account, not in the token.
    DeviceChoice device;
    device.device_id = std::move(call.device_id);
    device.initial_display_name = std::move(call.initial_display_name);
    auto session = co_await sessions_.open(std::move(user_id), std::move(device));
    co_return RegisterDeviceAnswer{std::move(session.device_id), std::move(session.access_token)};
}

void Registration::serve(replication::RpcServer& server) {
    using replication::RpcArgs;
    using replication::RpcEmpty;
    server.serve<RegisterUserCall, RpcEmpty>(
        kRegisterUser, [this](RpcArgs args, RegisterUserCall call) -> Task<RpcEmpty> {
            co_await store_checked(own_user_id(args.at(0)), std::move(call));
            co_return RpcEmpty{};
        });
    server.serve<PostRegisterCall, RpcEmpty>(
        kPostRegister, [this](RpcArgs args, PostRegisterCall call) -> Task<RpcEmpty> {
            co_await add_shown_addresses(own_user_id(args.at(0)), std::move(call));
            co_return RpcEmpty{};
        });
    server.serve<RegisterDeviceCall, RegisterDeviceAnswer>(
        kRegisterDevice, [this](RpcArgs args, RegisterDeviceCall call) -> Task<RegisterDeviceAnswer> {
            co_return co_await log_in_checked(own_user_id(args.at(0)), std::move(call));
        });
}

}  // namespace weft::handlers
