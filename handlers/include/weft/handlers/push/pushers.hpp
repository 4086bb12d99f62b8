#pragma once

#include <string>
#include <vector>

#include "weft/core/task.hpp"
#include "weft/http/message.hpp"
#include "weft/storage/pusher_store.hpp"
#include "weft/storage/stream_state.hpp"
#include "weft/storage/three_pid_store.hpp"

namespace weft::handlers {

/// Where users want their notifications sent (client-server API, "Push Notifications"). Changes: in the
/// writer of pushers.
class Pushers {
public:
    static constexpr std::size_t kAppIdCharactersMax = 64;
    static constexpr std::size_t kPushKeyBytesMax = 512;
    static constexpr std::size_t kPushersMax = 100;  // of one user

    /// `sends_email`: whether there is a mail server for pushers of the kind email.
    Pushers(storage::PusherStore& store, storage::ThreePidStore& addresses, storage::StreamState& events,
            bool sends_email)
        : store_{store}, addresses_{addresses}, events_{events}, sends_email_{sends_email} {}

    /// As GET /pushers shows them.
    Task<boost::json::array> list(std::string user_id);
    /// POST /pushers/set. Throws MatrixError: M_MISSING_PARAM, M_INVALID_PARAM, M_BAD_JSON,
    /// M_THREEPID_NOT_FOUND for an e-mail address that is not the user's.
    Task<void> set(http::Requester requester, boost::json::object body);

private:
    Task<void> prepare_email(storage::PusherSettings& settings);

    storage::PusherStore& store_;
    storage::ThreePidStore& addresses_;
    storage::StreamState& events_;
    bool sends_email_;
};

}  // namespace weft::handlers
