#pragma once

#include <boost/json/object.hpp>

#include "weft/handlers/sync/sliding_sync.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// POST /unstable/org.matrix.simplified_msc3575/sync.
class SlidingSyncEndpoints {
public:
    explicit SlidingSyncEndpoints(handlers::SlidingSync& sync) : sync_{sync} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_sync(http::Request request);

    handlers::SlidingSync& sync_;
};

/// What the body asks for. Throws MatrixError. Pure.
handlers::SlidingSyncRequest parse_sliding_sync(const boost::json::object& body);

}  // namespace weft::rest
