#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "weft/http/address_filter.hpp"
#include "weft/http/client.hpp"

namespace weft::http {

/// A request to a server of somebody else. `target` and `server_instance` are not used: `url` says where to.
struct WebRequest : ClientRequest {
    std::string url;  // http or https, as one would type it: what is not ASCII is encoded
    int redirects_max = 0;
};

struct WebResponse : Response {
    std::string url;  // after redirects
};

/// Fetches URLs: looks the name up, connects to addresses that the filter allows and to no others (also after a
/// redirect), checks certificates by the system's authorities. A connection a request. Throws ClientError.
class WebClient {
public:
    explicit WebClient(asio::any_io_executor executor, AddressFilter filter = {});
    ~WebClient();
    Task<WebResponse> send(WebRequest request);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace weft::http
