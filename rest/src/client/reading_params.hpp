#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/handlers/event_view.hpp"
#include "weft/http/message.hpp"
#include "weft/http/router.hpp"
#include "weft/proto/filter.hpp"
#include "weft/proto/json_writer.hpp"

/// What the endpoints that read rooms take from requests. All throw MatrixError where the shape is wrong.
namespace weft::rest {

/// Row of an endpoint that reads a room: `tails` are its paths, one after the other.
http::Endpoint reading_endpoint(std::string operation, std::initializer_list<std::string_view> tails);

/// The pagination token in a query parameter; nothing if it is absent or empty.
std::optional<storage::RoomToken> token_in(const http::Request& request, std::string_view name);
/// `dir`, which must be there: b or f.
storage::Direction direction_in(const http::Request& request);
/// `filter`, a RoomEventFilter as JSON; admits everything if it is absent.
proto::EventFilter filter_in(const http::Request& request);
/// `limit`, or else that of the filter, or else 10; never more than `limit_max`.
std::size_t limit_in(const http::Request& request, const proto::EventFilter& filter, std::int64_t limit_min,
                     std::int64_t limit_max);
proto::EventId event_id_of(const http::Request& request);

/// How the requester sees events.
handlers::EventViewer viewer_of(const http::Request& request, const core::Clock& clock);
/// `"name": [events]`.
void write_events(proto::JsonWriter& writer, std::string_view name,
                  const std::vector<storage::StoredEventPtr>& events, const handlers::EventViewer& viewer);

}  // namespace weft::rest
