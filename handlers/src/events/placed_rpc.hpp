#pragma once

#include <boost/json.hpp>

#include "weft/handlers/placed_event.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::handlers {

/// Body of `send_event` as Synapse 1.15 writes it; what is of no use here is neither read nor kept.
struct PlacedEventCall {
    boost::json::object event;
    std::string room_version;
    boost::json::object internal_metadata;
    std::int64_t state_group = 0;  // after the event, in the table that all processes share
    bool ratelimit = true;

    /// The event. Throws MatrixError M_BAD_JSON for what is none, or not the one named in the path.
    PlacedEvent parse(const std::string& event_id) const;
};

/// The token of the events stream at which a change is visible.
struct StreamIdAnswer {
    std::int64_t stream_id = 0;
};

void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const PlacedEventCall& call);
PlacedEventCall tag_invoke(boost::json::value_to_tag<PlacedEventCall>, const boost::json::value& in);
void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const StreamIdAnswer& answer);
StreamIdAnswer tag_invoke(boost::json::value_to_tag<StreamIdAnswer>, const boost::json::value& in);

/// Asked by workers of Synapse 1.15: of any process, which finds the room's writer.
extern const replication::RpcEndpoint<PlacedEventCall, StreamIdAnswer> kSendEvent;
/// The same, asked of the room's writer by whoever got the former.
extern const replication::RpcEndpoint<PlacedEventCall, StreamIdAnswer> kStoreEvent;
/// `weft_reject_invite`, asked of the room's writer by who is asked to `locally_reject_invite`.
extern const replication::RpcEndpoint<replication::RpcEmpty, StreamIdAnswer> kRejectInvite;

}  // namespace weft::handlers
