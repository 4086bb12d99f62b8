#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/client_ip_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// Where a user was seen (client-server API, /admin/whois).
class Whois {
public:
    Whois(storage::UserStore& users, storage::ClientIpStore& client_ips, const core::Config& config)
        : users_{users}, client_ips_{client_ips}, config_{config} {}

    /// The answer: devices, each with one session and its connections. Throws MatrixError: M_INVALID_PARAM
    /// for a user of another server, 404 M_NOT_FOUND.
    Task<boost::json::object> document(std::string user_id);

private:
    storage::UserStore& users_;
    storage::ClientIpStore& client_ips_;
    const core::Config& config_;
};

}  // namespace weft::handlers
