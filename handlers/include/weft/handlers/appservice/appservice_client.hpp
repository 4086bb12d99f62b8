#pragma once

#include <functional>
#include <string>

#include "weft/core/appservice.hpp"
#include "weft/core/task.hpp"
#include "weft/http/message.hpp"

namespace weft::handlers {

/// Calls to application services, with the token that says who we are.
class AppserviceClient {
public:
    struct Call {
        http::Method method = http::Method::kGet;
        std::string url;
        std::string bearer;
        std::string body;
        std::int64_t timeout_ms = 10'000;
    };
    /// Makes a request to anywhere; throws http::ClientError where no answer comes.
    using Send = std::function<Task<http::Response>(Call call)>;

    explicit AppserviceClient(Send send) : send_{std::move(send)} {}

    /// `path` under /_matrix/app/v1, with its query. A service that does not know it is asked by the path of
    /// old, if one is given. Throws http::ClientError.
    struct Request {
        http::Method method = http::Method::kGet;
        std::string path;
        std::string legacy_path = {};  // from the root
        std::string body = {};
        std::int64_t timeout_ms = 10'000;
    };
    Task<http::Response> send(const core::AppserviceRegistration& service, Request request);

private:
    Send send_;
};

}  // namespace weft::handlers
