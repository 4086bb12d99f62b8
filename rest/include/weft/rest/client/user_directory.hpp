#pragma once

#include "weft/handlers/user_directory.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// POST /user_directory/search and GET /mutual_rooms (with its older path).
class UserDirectoryEndpoints {
public:
    explicit UserDirectoryEndpoints(handlers::UserDirectory& directory) : directory_{directory} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_search(http::Request request);
    Task<http::Response> get_mutual_rooms(http::Request request);

    handlers::UserDirectory& directory_;
};

}  // namespace weft::rest
