#pragma once

#include <boost/json.hpp>

#include "weft/handlers/event_sender.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::handlers {

/// Body of `weft_send_events`: drafts of one room for the process that owns it.
struct SendEventsCall {
    std::vector<SendRequest> requests;
    std::string new_room_version;  // empty: the room exists
};

struct SendEventsAnswer {
    std::string room_id;
    std::vector<SendResult> results;
};

void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const SendEventsCall& call);
SendEventsCall tag_invoke(boost::json::value_to_tag<SendEventsCall>, const boost::json::value& in);
void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const SendEventsAnswer& answer);
SendEventsAnswer tag_invoke(boost::json::value_to_tag<SendEventsAnswer>, const boost::json::value& in);

/// Idempotent: a retry of the same call stores nothing twice.
extern const replication::RpcEndpoint<SendEventsCall, SendEventsAnswer> kSendEvents;

}  // namespace weft::handlers
