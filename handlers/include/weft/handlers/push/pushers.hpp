#pragma once

#include <string>
#include <vector>

#include "weft/core/task.hpp"
#include "weft/http/message.hpp"
#include "weft/storage/pusher_store.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::handlers {

/// Where users want their notifications sent (client-server API, "Push Notifications"). Changes: in the
/// writer of pushers.
class Pushers {
public:
    static constexpr std::size_t kAppIdCharactersMax = 64;
    static constexpr std::size_t kPushKeyBytesMax = 512;
    static constexpr std::size_t kPushersMax = 100;  // of one user

    Pushers(storage::PusherStore& store, storage::StreamState& events) : store_{store}, events_{events} {}

    /// As GET /pushers shows them.
    Task<boost::json::array> list(std::string user_id);
    /// POST /pushers/set. Throws MatrixError: M_MISSING_PARAM, M_INVALID_PARAM, M_BAD_JSON.
    Task<void> set(http::Requester requester, boost::json::object body);

private:
    storage::PusherStore& store_;
    storage::StreamState& events_;
};

}  // namespace weft::handlers
