#pragma once

#include <boost/json/object.hpp>

#include "weft/core/clock.hpp"
#include "weft/handlers/reading/aggregations.hpp"
#include "weft/handlers/reading/message_search.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// POST /search.
class SearchEndpoints {
public:
    SearchEndpoints(handlers::MessageSearch& search, handlers::Aggregations& aggregations,
                    const core::Clock& clock)
        : search_{search}, aggregations_{aggregations}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_search(http::Request request);

    handlers::MessageSearch& search_;
    handlers::Aggregations& aggregations_;
    const core::Clock& clock_;
};

/// The criteria of the category room_events. Throws MatrixError. Pure.
handlers::SearchQuery parse_search(std::string user_id, const boost::json::object& criteria);

}  // namespace weft::rest
