#include "weft/handlers/accounts/whois.hpp"

#include <map>

#include <boost/json/array.hpp>

#include "weft/core/errors.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {

Task<boost::json::object> Whois::document(std::string user_id) {
    const auto parsed = proto::UserId::parse(user_id);
    if (!parsed || parsed->server_name() != config_.server_name) {
        throw core::MatrixError::invalid_param("Only users of this server can be looked up");
    }
    if (!co_await users_.get_user(user_id)) throw core::MatrixError::not_found("User not found");

    std::map<std::string, boost::json::array> connections;  // by device
    for (const auto& seen : co_await client_ips_.of_user(user_id)) {
        connections[seen.device_id.value_or("")].push_back(boost::json::object{
            {"ip", seen.ip}, {"last_seen", seen.last_seen_ms}, {"user_agent", seen.user_agent}});
    }
    boost::json::object devices;
    for (auto& [device_id, list] : connections) {
        boost::json::array sessions{boost::json::object{{"connections", std::move(list)}}};
        devices[device_id] = boost::json::object{{"sessions", std::move(sessions)}};
    }
    co_return boost::json::object{{"user_id", user_id}, {"devices", std::move(devices)}};
}

}  // namespace weft::handlers
