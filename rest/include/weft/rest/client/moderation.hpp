#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/accounts/account_status.hpp"
#include "weft/handlers/accounts/whois.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// What the specification gives administrators: /admin/whois, /admin/lock, /admin/suspend.
class ModerationEndpoints {
public:
    ModerationEndpoints(handlers::AccountStatus& status, handlers::Whois& whois)
        : status_{status}, whois_{whois} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_whois(http::Request request);
    Task<http::Response> get_locked(http::Request request);
    Task<http::Response> put_locked(http::Request request);
    Task<http::Response> get_suspended(http::Request request);
    Task<http::Response> put_suspended(http::Request request);

    handlers::AccountStatus& status_;
    handlers::Whois& whois_;
};

}  // namespace weft::rest
