#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "weft/replication/rpc.hpp"

/// Calls by which client readers of Synapse 1.15 register people and log them in (replication.md §6). They
/// have checked names, passwords and interactive authentication themselves; the master stores. Bodies are
/// read as strictly as Synapse writes them.
namespace weft::handlers {

/// `register_user`: an account is stored, with its profile.
struct RegisterUserCall {
    std::optional<std::string> password_hash;
    bool was_guest = false;  // there is such a guest, who becomes a user
    bool make_guest = false;
    std::optional<std::string> appservice_id;
    std::optional<std::string> displayname;  // `create_profile_with_displayname`
    bool admin = false;
    std::optional<std::string> user_type;
    std::optional<std::string> address;  // counts against rc_registration
};

/// `post_register`: what the stages of the registration have shown belongs to the account.
struct PostRegisterCall {
    struct Address {
        std::string medium;
        std::string address;
        std::int64_t validated_ms = 0;
    };
    /// Of `auth_result`: m.login.email.identity and m.login.msisdn, if they are complete.
    std::vector<Address> addresses;
};

/// `device_check_registered`: a login.
struct RegisterDeviceCall {
    std::optional<std::string> device_id;
    std::optional<std::string> initial_display_name;
    bool is_guest = false;
};

struct RegisterDeviceAnswer {
    std::string device_id;
    std::string access_token;
};

void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const RegisterUserCall& call);
RegisterUserCall tag_invoke(boost::json::value_to_tag<RegisterUserCall>, const boost::json::value& in);
void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const PostRegisterCall& call);
PostRegisterCall tag_invoke(boost::json::value_to_tag<PostRegisterCall>, const boost::json::value& in);
void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const RegisterDeviceCall& call);
RegisterDeviceCall tag_invoke(boost::json::value_to_tag<RegisterDeviceCall>, const boost::json::value& in);
void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const RegisterDeviceAnswer& answer);
RegisterDeviceAnswer tag_invoke(boost::json::value_to_tag<RegisterDeviceAnswer>,
                                const boost::json::value& in);

extern const replication::RpcEndpoint<RegisterUserCall, replication::RpcEmpty> kRegisterUser;
extern const replication::RpcEndpoint<PostRegisterCall, replication::RpcEmpty> kPostRegister;
extern const replication::RpcEndpoint<RegisterDeviceCall, RegisterDeviceAnswer> kRegisterDevice;

}  // namespace weft::handlers
