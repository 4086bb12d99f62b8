#include "weft/handlers/rooms/room_previews.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <unordered_set>

#include "weft/core/errors.hpp"
#include "weft/handlers/reading/visibility_rules.hpp"
#include "weft/handlers/rooms/public_rooms.hpp"
#include "weft/proto/client_event.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;

namespace {

constexpr std::array kShownTypes{event_type::kCreate,
                                 event_type::kName,
                                 event_type::kTopic,
                                 event_type::kAvatar,
                                 event_type::kCanonicalAlias,
                                 event_type::kJoinRules,
                                 event_type::kHistoryVisibility,
                                 event_type::kGuestAccess};
/// Rooms of one space that are looked at.
constexpr std::size_t kRoomsMax = 10'000;
constexpr std::size_t kOrderBytesMax = 50;

bool is_knockable(std::string_view rule, const proto::RoomVersion& version) {
    return (rule == "knock" && version.knocking) || (rule == "knock_restricted" && version.knock_restricted);
}

bool is_restricted(std::string_view rule, const proto::RoomVersion& version) {
    return (rule == "restricted" && version.restricted_joins) ||
           (rule == "knock_restricted" && version.knock_restricted);
}

std::vector<std::string> allowed_rooms(const json::object& join_rules) {
    std::vector<std::string> out;
    const auto* const allow = proto::get_array(join_rules, "allow");
    if (!allow) return out;
    for (const auto& entry : *allow) {
        const auto* const condition = entry.if_object();
        if (!condition || proto::get_string(*condition, "type") != "m.room_membership") continue;
        if (const auto room = proto::get_string(*condition, "room_id")) out.emplace_back(*room);
    }
    return out;
}

/// Nothing where the order is not one that counts.
std::optional<std::string_view> order_of(const proto::Event& event) {
    const auto order = proto::get_string(event.content(), "order");
    if (!order || order->size() > kOrderBytesMax) return std::nullopt;
    const bool printable =
        std::all_of(order->begin(), order->end(), [](char c) { return c >= ' ' && c <= '~'; });
    return printable ? order : std::nullopt;
}

core::MatrixError not_found() {
    return core::MatrixError::not_found("Room not found.");
}

template <class Number>
bool read_number(std::string_view& text, Number& value) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return true;
}

bool skip(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::optional<HierarchyToken> HierarchyToken::parse(std::string_view text) {
    HierarchyToken token;
    int suggested = 0;
    const bool whole = skip(text, 'h') && read_number(text, token.index) && skip(text, '_') &&
                       read_number(text, token.max_depth) && skip(text, '_') &&
                       read_number(text, suggested) && text.empty();
    if (!whole || token.max_depth < 0 || suggested < 0 || suggested > 1) return std::nullopt;
    token.suggested_only = suggested == 1;
    return token;
}

std::string HierarchyToken::to_string() const {
    return fmt::format("h{}_{}_{}", index, max_depth, suggested_only ? 1 : 0);
}

bool is_space_child(const proto::Event& event) {
    const auto* const via = proto::get_array(event.content(), "via");
    return event.type() == event_type::kSpaceChild && event.is_state() && via && !via->empty() &&
           proto::RoomId::parse(*event.state_key());
}

bool comes_before(const proto::Event& a, const proto::Event& b) {
    const auto order_a = order_of(a);
    const auto order_b = order_of(b);
    if (order_a.has_value() != order_b.has_value()) return order_a.has_value();
    if (order_a && *order_a != *order_b) return *order_a < *order_b;
    return std::make_tuple(a.origin_server_ts(), *a.state_key()) <
           std::make_tuple(b.origin_server_ts(), *b.state_key());
}

Task<json::object> RoomPreviews::summary(std::optional<std::string> user_id, proto::RoomId room_id) {
    const auto state = co_await states_.current_state(room_id);
    if (!co_await is_accessible(user_id, room_id, state)) throw not_found();
    auto out = co_await describe(room_id, state);
    if (user_id) {
        const auto rooms = co_await states_.rooms_of_user(*user_id);
        const auto room = rooms->find(room_id);
        out["membership"] = room == rooms->end() ? "leave" : room->second.membership;
    }
    co_return out;
}

Task<bool> RoomPreviews::is_accessible(std::optional<std::string> user_id, proto::RoomId room_id,
                                       storage::RoomStatePtr state) {
    if (state->events.empty()) co_return false;
    if (user_id) {
        const auto rooms = co_await states_.rooms_of_user(*user_id);
        const auto room = rooms->find(room_id);
        const std::string membership = room == rooms->end() ? "leave" : room->second.membership;
        if (membership == "join" || membership == "invite") co_return true;
        if (membership == "ban") co_return false;
    }
    const auto* const version = co_await rooms_.version(room_id);
    const auto join_rules = co_await content(state, event_type::kJoinRules);
    const auto rule = proto::get_string(join_rules, "join_rule").value_or("invite");
    if (rule == "public" || is_knockable(rule, *version)) co_return true;
    const auto visibility = co_await content(state, event_type::kHistoryVisibility);
    if (history_visibility_in(visibility) == HistoryVisibility::kWorldReadable) co_return true;
    co_return user_id&& is_restricted(rule, *version) && co_await meets_restriction(*user_id, join_rules);
}

Task<bool> RoomPreviews::meets_restriction(std::string user_id, json::object join_rules) {
    const auto rooms = co_await states_.rooms_of_user(user_id);
    for (const auto& allowed : allowed_rooms(join_rules)) {
        const auto room = rooms->find(proto::RoomId::trusted(allowed));
        if (room != rooms->end() && room->second.membership == "join") co_return true;
    }
    co_return false;
}

Task<json::object> RoomPreviews::content(storage::RoomStatePtr state, std::string_view type) {
    const auto* const id = state->find(type);
    const auto event = id ? co_await events_.get_event(*id) : nullptr;
    co_return event ? event->content() : json::object{};
}

Task<json::object> RoomPreviews::describe(proto::RoomId room_id, storage::RoomStatePtr state) {
    std::vector<proto::EventId> ids;
    for (const auto type : kShownTypes) {
        if (const auto* const id = state->find(type)) ids.push_back(*id);
    }
    const auto events = co_await events_.get_events(std::move(ids));
    auto out = directory_entry({room_id.str(), static_cast<std::int64_t>(state->joined)}, events);
    const auto* const version = co_await rooms_.version(room_id);
    out["room_version"] = version->id;
    const auto encryption = co_await content(state, event_type::kEncryption);
    if (const auto algorithm = proto::get_string(encryption, "algorithm")) out["encryption"] = *algorithm;
    const auto join_rules = co_await content(state, event_type::kJoinRules);
    if (is_restricted(proto::get_string(join_rules, "join_rule").value_or(""), *version)) {
        json::array allowed;
        for (const auto& room : allowed_rooms(join_rules)) allowed.emplace_back(room);
        out["allowed_room_ids"] = std::move(allowed);
    }
    co_return out;
}

Task<std::vector<proto::EventPtr>> RoomPreviews::children(storage::RoomStatePtr state, bool suggested_only) {
    const auto create = co_await content(state, event_type::kCreate);
    std::vector<proto::EventId> ids;
    if (proto::get_string(create, "type") == "m.space") {
        for (const auto& [key, id] : state->events) {
            if (key.type() == event_type::kSpaceChild) ids.push_back(id);
        }
    }
    auto events = co_await events_.get_events(std::move(ids));
    std::erase_if(events, [&](const auto& event) {
        const bool suggested = proto::get_bool(event->content(), "suggested").value_or(false);
        return !is_space_child(*event) || (suggested_only && !suggested);
    });
    std::sort(events.begin(), events.end(),
              [](const auto& a, const auto& b) { return comes_before(*a, *b); });
    co_return events;
}

Task<HierarchyPage> RoomPreviews::hierarchy(HierarchyQuery query) {
    const auto top = co_await states_.current_state(query.room_id);
    if (!co_await is_accessible(query.user_id, query.room_id, top)) {
        throw core::MatrixError::forbidden("You are not allowed to view this room.");
    }
    struct Open {
        proto::RoomId room_id;
        std::int64_t depth;
    };
    HierarchyPage page;
    std::vector<Open> open{{query.room_id, 0}};
    std::unordered_set<proto::RoomId> seen;
    std::size_t index = 0;
    while (!open.empty() && seen.size() < kRoomsMax) {
        const auto here = std::move(open.back());
        open.pop_back();
        if (!seen.insert(here.room_id).second) continue;
        const auto state = co_await states_.current_state(here.room_id);
        if (!co_await is_accessible(query.user_id, here.room_id, state)) continue;
        if (page.rooms.size() == query.limit) {
            page.next = HierarchyToken{index, query.max_depth, query.suggested_only};
            break;
        }
        const auto links = co_await children(state, query.suggested_only);
        if (here.depth < query.max_depth) {
            for (auto link = links.rbegin(); link != links.rend(); ++link) {
                open.push_back({proto::RoomId::trusted(*(*link)->state_key()), here.depth + 1});
            }
        }
        if (index++ < query.index) continue;
        auto entry = co_await describe(here.room_id, state);
        json::array children_state;
        for (const auto& link : links) {
            auto stripped = proto::stripped_state(*link);
            stripped["origin_server_ts"] = link->origin_server_ts();
            children_state.push_back(std::move(stripped));
        }
        entry["children_state"] = std::move(children_state);
        page.rooms.push_back(std::move(entry));
    }
    co_return page;
}

}  // namespace weft::handlers
