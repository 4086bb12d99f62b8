#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// A client was seen: user, token and address are the key.
struct ClientIp {
    std::string user_id;
    std::string access_token;
    std::string ip;
    std::string user_agent;
    std::optional<std::string> device_id;
    std::int64_t last_seen_ms = 0;
};

/// Where users were seen (user_ips), written in batches; also moves the devices' last-seen fields.
class ClientIpStore {
public:
    explicit ClientIpStore(StoreContext context) : context_{std::move(context)} {}

    /// The newest of several entries with one key is kept.
    Task<void> store(std::vector<ClientIp> seen);
    /// Newest first.
    Task<std::vector<ClientIp>> of_user(std::string user_id);

private:
    StoreContext context_;
};

}  // namespace weft::storage
