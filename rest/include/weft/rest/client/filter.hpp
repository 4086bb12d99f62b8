#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/accounts/filters.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Stored filters: /user/{userId}/filter.
class FilterEndpoints {
public:
    explicit FilterEndpoints(handlers::Filters& filters) : filters_{filters} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_filter(http::Request request);
    Task<http::Response> get_filter(http::Request request);

    handlers::Filters& filters_;
};

}  // namespace weft::rest
