#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/user_data/account_data.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// /user/{userId}/account_data/{type} and the same of one room.
class AccountDataEndpoints {
public:
    explicit AccountDataEndpoints(handlers::AccountData& account_data) : account_data_{account_data} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_global(http::Request request);
    Task<http::Response> put_global(http::Request request);
    Task<http::Response> get_room(http::Request request);
    Task<http::Response> put_room(http::Request request);

    handlers::AccountData& account_data_;
};

}  // namespace weft::rest
