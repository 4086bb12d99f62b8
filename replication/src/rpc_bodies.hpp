#pragma once

#include <boost/json/value.hpp>

#include "weft/http/message.hpp"
#include "weft/replication/stream.hpp"

/// The bodies of replication's own calls: what one process wrote, another reads. What cannot be understood is
/// an RpcError in an answer and a MatrixError in a request.
namespace weft::replication {

json::object updates_to_json(const Updates& page);
Updates parse_updates(const json::value& answer);

/// A client's request as it is, but for what belongs to its connection.
json::object forwarded_to_json(const http::Request& request);
http::Request parse_forwarded(const json::value& message);

json::object answer_to_json(const http::Response& response);
http::Response parse_answer(const json::value& message);

}  // namespace weft::replication
