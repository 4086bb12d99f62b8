#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/user_data/tags.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// /user/{userId}/rooms/{roomId}/tags.
class TagEndpoints {
public:
    explicit TagEndpoints(handlers::Tags& tags) : tags_{tags} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_tags(http::Request request);
    Task<http::Response> put_tag(http::Request request);
    Task<http::Response> delete_tag(http::Request request);

    handlers::Tags& tags_;
};

}  // namespace weft::rest
