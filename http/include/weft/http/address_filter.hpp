#pragma once

#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "weft/core/task.hpp"

namespace weft::http {

/// Which addresses this server connects to when somebody else chose the name. An address is allowed if an
/// exception names it or no blocked network does.
class AddressFilter {
public:
    AddressFilter() = default;  // everything is allowed
    /// Networks as `192.168.0.0/16`, `fe80::/10` or a single address. Throws std::invalid_argument.
    AddressFilter(const std::vector<std::string>& blocked, const std::vector<std::string>& exceptions);

    bool allows(asio::ip::address address) const;

private:
    struct Networks {
        std::vector<asio::ip::network_v4> v4;
        std::vector<asio::ip::network_v6> v6;
        void add(const std::string& text);
        bool contain(const asio::ip::address& address) const;
    };
    Networks blocked_;
    Networks exceptions_;
};

}  // namespace weft::http
