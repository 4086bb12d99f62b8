#include "sync/sliding_state.hpp"

#include <algorithm>
#include <charconv>

#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

namespace json = boost::json;

std::optional<RequiredState> parse_config(const json::value& value) {
    const auto* const list = value.if_array();
    if (!list) return std::nullopt;
    RequiredState out;
    for (const auto& item : *list) {
        const auto* const pair = item.if_array();
        if (!pair || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string())
            return std::nullopt;
        out.emplace_back(std::string{(*pair)[0].as_string()}, std::string{(*pair)[1].as_string()});
    }
    return out;
}

/// [standing, timeline limit, config] and, if the client is behind, its token.
std::optional<SlidingRoomState> parse_room(const json::value& value) {
    const auto* const list = value.if_array();
    if (!list || list->size() < 3) return std::nullopt;
    const auto standing = proto::as_int((*list)[0]);
    const auto limit = proto::as_int((*list)[1]);
    const auto config = proto::as_int((*list)[2]);
    if (!standing || *standing < 0 || *standing > 2 || !limit || !config || *config < 0) return std::nullopt;
    SlidingRoomState out{static_cast<SlidingStanding>(*standing), *limit, static_cast<std::size_t>(*config),
                         std::nullopt};
    if (list->size() > 3) {
        const auto* const text = (*list)[3].if_string();
        const auto token =
            text ? SyncToken::parse(*text) : core::Result<SyncToken>{core::ParseError{"no token"}};
        if (!token) return std::nullopt;
        out.upto = *token;
    }
    return out;
}

}  // namespace

std::optional<SlidingToken> SlidingToken::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == text.npos) return std::nullopt;
    SlidingToken token;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + slash, token.position_id);
    const auto streams = SyncToken::parse(text.substr(slash + 1));
    if (error != std::errc{} || stop != text.data() + slash || !streams) return std::nullopt;
    token.streams = *streams;
    return token;
}

std::string SlidingToken::to_string() const {
    return fmt::format("{}/{}", position_id, streams.to_string());
}

std::size_t SlidingConnectionState::place_of(const RequiredState& required) {
    const auto found = std::find(configs.begin(), configs.end(), required);
    if (found != configs.end()) return static_cast<std::size_t>(found - configs.begin());
    configs.push_back(required);
    return configs.size() - 1;
}

void SlidingConnectionState::drop_unused() {
    SlidingConnectionState kept;
    for (auto& [room_id, room] : rooms) room.config = kept.place_of(configs.at(room.config));
    configs = std::move(kept.configs);
}

std::optional<SlidingConnectionState> SlidingConnectionState::parse(std::string_view text) {
    const auto object = proto::parse_json_object(text);
    const auto* const listed_configs = object ? proto::get_array(*object, "configs") : nullptr;
    const auto* const listed_rooms = object ? proto::get_object(*object, "rooms") : nullptr;
    if (!listed_configs || !listed_rooms) return std::nullopt;
    SlidingConnectionState out;
    for (const auto& value : *listed_configs) {
        auto config = parse_config(value);
        if (!config) return std::nullopt;
        out.configs.push_back(std::move(*config));
    }
    for (const auto& [room_id, value] : *listed_rooms) {
        auto room = parse_room(value);
        if (!room || room->config >= out.configs.size()) return std::nullopt;
        out.rooms.emplace(std::string{room_id}, std::move(*room));
    }
    return out;
}

std::string SlidingConnectionState::to_string() const {
    json::array listed_configs;
    for (const auto& config : configs) {
        json::array pairs;
        for (const auto& [type, state_key] : config) pairs.push_back(json::array{type, state_key});
        listed_configs.push_back(std::move(pairs));
    }
    json::object listed_rooms;
    for (const auto& [room_id, room] : rooms) {
        json::array entry{static_cast<int>(room.standing), room.timeline_limit, room.config};
        if (room.upto) entry.emplace_back(room.upto->to_string());
        listed_rooms[room_id] = std::move(entry);
    }
    return proto::to_json(
        json::object{{"configs", std::move(listed_configs)}, {"rooms", std::move(listed_rooms)}});
}

}  // namespace weft::handlers
