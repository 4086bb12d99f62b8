#include "reading_params.hpp"

#include <algorithm>

#include "client/worker_kinds.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

constexpr std::int64_t kLimitDefault = 10;

}  // namespace

http::Endpoint reading_endpoint(std::string operation, std::initializer_list<std::string_view> tails) {
    http::Endpoint endpoint;
    endpoint.method = http::Method::kGet;
    for (const auto tail : tails) {
        for (auto& path : http::client_paths(tail)) endpoint.paths.push_back(std::move(path));
    }
    endpoint.operation = std::move(operation);
    endpoint.auth = http::Auth::kGuestToo;
    endpoint.workers = kOnClientReader;
    return endpoint;
}

std::optional<storage::RoomToken> token_in(const http::Request& request, std::string_view name) {
    const auto text = request.query_param(name);
    if (!text || text->empty()) return std::nullopt;
    const auto token = storage::RoomToken::parse(*text);
    if (!token) throw MatrixError::invalid_param(fmt::format("{}: not a token of this server", name));
    return *token;
}

storage::Direction direction_in(const http::Request& request) {
    const auto text = request.query_param("dir");
    if (!text) throw MatrixError::missing_param("dir: missing");
    if (*text == "b") return storage::Direction::kBackward;
    if (*text == "f") return storage::Direction::kForward;
    throw MatrixError::invalid_param("dir: b or f");
}

proto::EventFilter filter_in(const http::Request& request) {
    const auto text = request.query_param("filter");
    if (!text || text->empty()) return {};
    auto filter = proto::EventFilter::parse(*text);
    if (!filter) throw MatrixError::invalid_param("filter: " + filter.error().message);
    return std::move(*filter);
}

std::size_t limit_in(const http::Request& request, const proto::EventFilter& filter, std::int64_t limit_min,
                     std::int64_t limit_max) {
    const auto asked = request.query_int("limit");
    if (asked && *asked < 0) throw MatrixError::invalid_param("limit: must not be negative");
    const auto limit = asked ? *asked : filter.limit.value_or(kLimitDefault);
    return static_cast<std::size_t>(std::clamp(limit, limit_min, limit_max));
}

proto::EventId event_id_of(const http::Request& request) {
    const auto id = proto::EventId::parse(request.param("eventId"));
    if (!id) throw MatrixError::invalid_param(id.error().message);
    return *id;
}

handlers::EventViewer viewer_of(const http::Request& request, const core::Clock& clock) {
    handlers::EventViewer viewer;
    viewer.user_id = request.auth().user_id;
    viewer.device_id = request.auth().device_id;
    viewer.now_ms = clock.now_ms();
    return viewer;
}

void write_events(proto::JsonWriter& writer, std::string_view name,
                  const std::vector<storage::StoredEventPtr>& events, const handlers::EventViewer& viewer) {
    writer.key(name);
    handlers::append_events(writer.begin_raw_value(), events, viewer);
}

}  // namespace weft::rest
