#pragma once

#include "weft/handlers/push/notifications.hpp"
#include "weft/handlers/push/pushers.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Pushers and the list of notifications (client-server API, "Push Notifications").
class PushEndpoints {
public:
    PushEndpoints(handlers::Pushers& pushers, handlers::Notifications& notifications)
        : pushers_{pushers}, notifications_{notifications} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_pushers(http::Request request);
    Task<http::Response> post_pusher(http::Request request);
    Task<http::Response> get_notifications(http::Request request);

    handlers::Pushers& pushers_;
    handlers::Notifications& notifications_;
};

}  // namespace weft::rest
