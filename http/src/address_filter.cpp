#include "weft/http/address_filter.hpp"

#include <algorithm>
#include <stdexcept>

namespace weft::http {
namespace {

namespace ip = asio::ip;

/// 10.0.0.1 by another name: mapped (::ffff:10.0.0.1), as 6to4 (2002:a00:1::) or through NAT64 (64:ff9b::a00:1).
std::optional<ip::address_v4> embedded_v4(const ip::address_v6& address) {
    const auto bytes = address.to_bytes();
    const auto take = [&](std::size_t at) {
        return ip::address_v4{ip::address_v4::bytes_type{bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]}};
    };
    if (address.is_v4_mapped()) return take(12);
    if (bytes[0] == 0x20 && bytes[1] == 0x02) return take(2);
    constexpr std::array<unsigned char, 12> kNat64{0, 0x64, 0xff, 0x9b};
    if (std::equal(kNat64.begin(), kNat64.end(), bytes.begin())) return take(12);
    return std::nullopt;
}

}  // namespace

void AddressFilter::Networks::add(const std::string& text) {
    const bool is_v6 = text.find(':') != std::string::npos;
    const auto whole = text.find('/') != std::string::npos ? text : text + (is_v6 ? "/128" : "/32");
    boost::system::error_code error;
    if (is_v6) {
        v6.push_back(ip::make_network_v6(whole, error).canonical());
    } else {
        v4.push_back(ip::make_network_v4(whole, error).canonical());
    }
    if (error) throw std::invalid_argument{"not a network: " + text};
}

bool AddressFilter::Networks::contain(const ip::address& address) const {
    // A network is what its own address and the other's have in common.
    const auto is_in = [](const auto& network, const auto& host) {
        using Network = std::decay_t<decltype(network)>;
        return Network{host, network.prefix_length()}.canonical() == network;
    };
    if (address.is_v4())
        return std::ranges::any_of(v4, [&](const auto& network) { return is_in(network, address.to_v4()); });
    return std::ranges::any_of(v6, [&](const auto& network) { return is_in(network, address.to_v6()); });
}

AddressFilter::AddressFilter(const std::vector<std::string>& blocked, const std::vector<std::string>& exceptions) {
    for (const auto& network : blocked) blocked_.add(network);
    for (const auto& network : exceptions) exceptions_.add(network);
}

bool AddressFilter::allows(ip::address address) const {
    if (exceptions_.contain(address)) return true;
    if (blocked_.contain(address)) return false;
    if (address.is_v4()) return true;
    const auto inner = embedded_v4(address.to_v6());
    return !inner || allows(*inner);
}

}  // namespace weft::http
