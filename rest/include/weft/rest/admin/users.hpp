#pragma once

#include <functional>

#include "weft/core/task.hpp"
#include "weft/handlers/accounts/account_status.hpp"
#include "weft/handlers/accounts/devices.hpp"
#include "weft/handlers/admin/user_admin.hpp"
#include "weft/handlers/rooms/membership.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Users in the admin API: /_synapse/admin/v2/users and what belongs to one user.
class AdminUserEndpoints {
public:
    AdminUserEndpoints(handlers::UserAdmin& users, handlers::Devices& devices,
                       handlers::Membership& membership, handlers::AccountStatus& status,
                       handlers::Registration& registration)
        : users_{users},
          devices_{devices},
          membership_{membership},
          status_{status},
          registration_{registration} {}
    void register_on(http::Router& router);

private:
    using Function = Task<http::Response> (AdminUserEndpoints::*)(http::Request);
    void add(http::Router& router, http::Method method, std::string tail, std::string operation,
             Function function);

    Task<http::Response> get_users(http::Request request);
    Task<http::Response> get_user(http::Request request);
    Task<http::Response> put_user(http::Request request);
    Task<http::Response> post_deactivate(http::Request request);
    Task<http::Response> post_reset_password(http::Request request);
    Task<http::Response> get_admin(http::Request request);
    Task<http::Response> put_admin(http::Request request);
    Task<http::Response> get_joined_rooms(http::Request request);
    Task<http::Response> get_devices(http::Request request);
    Task<http::Response> get_device(http::Request request);
    Task<http::Response> put_device(http::Request request);
    Task<http::Response> delete_device(http::Request request);
    Task<http::Response> post_delete_devices(http::Request request);
    Task<http::Response> post_login(http::Request request);
    Task<http::Response> put_suspend(http::Request request);
    Task<http::Response> get_username_available(http::Request request);
    Task<http::Response> get_media_statistics(http::Request request);

    handlers::UserAdmin& users_;
    handlers::Devices& devices_;
    handlers::Membership& membership_;
    handlers::AccountStatus& status_;
    handlers::Registration& registration_;
};

}  // namespace weft::rest
