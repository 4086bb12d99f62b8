#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// One of the connections that a device has: `conn_id` is the client's name for it.
struct SlidingConnection {
    std::string user_id;
    std::string device_id;
    std::string conn_id;
};

/// What the clients at the other end of sliding sync connections were sent, so that any process can go on
/// with any connection. A position is what one answer left behind; a connection keeps the one its client
/// showed last and the one it was given then, because an answer may be lost on its way.
class SlidingSyncStore {
public:
    explicit SlidingSyncStore(StoreContext context) : context_{std::move(context)} {}

    /// The state (JSON text) of a position, if the connection has it.
    Task<std::optional<std::string>> load(SlidingConnection connection, std::int64_t position_id);
    /// Makes a position that follows `shown`; what the connection had besides is gone. Returns its ID.
    Task<std::int64_t> add(SlidingConnection connection, std::optional<std::int64_t> shown,
                           std::string state);

private:
    StoreContext context_;
};

}  // namespace weft::storage
