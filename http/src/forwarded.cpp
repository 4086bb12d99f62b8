#include "forwarded.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "ascii.hpp"

namespace weft::http {
namespace {

/// An IPv4 address in IPv6 clothes is the IPv4 address.
asio::ip::address plain(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    return address;
}

/// One hop: an address, which some proxies write with a port or in brackets.
std::optional<asio::ip::address> parse_hop(std::string_view hop) {
    if (hop.starts_with('[')) {
        hop = hop.substr(1, hop.find(']') - 1);
    } else if (std::ranges::count(hop, ':') == 1) {
        hop = hop.substr(0, hop.find(':'));
    }
    boost::system::error_code error;
    const auto address = asio::ip::make_address(hop, error);
    if (error) return std::nullopt;
    return plain(address);
}

}  // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& entries) {
    for (const auto& entry : entries) {
        boost::system::error_code error;
        if (const auto address = asio::ip::make_address(entry, error); !error) {
            const auto single = plain(address);
            if (single.is_v4()) {
                v4_.emplace_back(single.to_v4(), static_cast<unsigned short>(32));
            } else {
                v6_.emplace_back(single.to_v6(), static_cast<unsigned short>(128));
            }
            continue;
        }
        if (const auto network = asio::ip::make_network_v4(entry, error); !error) {
            v4_.push_back(network.canonical());
        } else if (const auto network6 = asio::ip::make_network_v6(entry, error); !error) {
            v6_.push_back(network6.canonical());
        } else {
            throw std::invalid_argument{"trusted_proxies: '" + entry + "' is neither an address nor a range"};
        }
    }
}

bool TrustedProxies::contains(const asio::ip::address& address) const {
    const auto single = plain(address);
    if (single.is_v4()) {
        const auto v4 = single.to_v4();
        return std::ranges::any_of(v4_, [&](const auto& network) {
            return asio::ip::network_v4{v4, network.prefix_length()}.canonical() == network;
        });
    }
    const auto v6 = single.to_v6();
    return std::ranges::any_of(v6_, [&](const auto& network) {
        return asio::ip::network_v6{v6, network.prefix_length()}.canonical() == network;
    });
}

std::string forwarded_client(std::string_view x_forwarded_for, const TrustedProxies& trusted,
                             std::string_view peer) {
    std::string client{peer};
    while (!x_forwarded_for.empty()) {
        const auto comma = x_forwarded_for.rfind(',');
        const auto hop =
            trim(comma == std::string_view::npos ? x_forwarded_for : x_forwarded_for.substr(comma + 1));
        x_forwarded_for =
            comma == std::string_view::npos ? std::string_view{} : x_forwarded_for.substr(0, comma);
        const auto address = parse_hop(hop);
        if (!address) break;  // whoever wrote this is not to be believed, nor what stands before it
        client = address->to_string();
        if (!trusted.contains(*address)) break;
    }
    return client;
}

}  // namespace weft::http
