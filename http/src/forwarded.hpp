#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "weft/core/task.hpp"

namespace weft::http {

/// The proxies whose X-Forwarded-For is believed: addresses and CIDR ranges.
class TrustedProxies {
public:
    /// Throws std::invalid_argument naming the entry that is neither.
    explicit TrustedProxies(const std::vector<std::string>& entries);

    bool contains(const asio::ip::address& address) const;

private:
    std::vector<asio::ip::network_v4> v4_;
    std::vector<asio::ip::network_v6> v6_;
};

/// Who really asks: the header read from its end, as each hop appends whom it saw, past the trusted hops to
/// the first that is not. `peer` (trusted itself) where the header ends or says nothing sensible.
std::string forwarded_client(std::string_view x_forwarded_for, const TrustedProxies& trusted,
                             std::string_view peer);

}  // namespace weft::http
