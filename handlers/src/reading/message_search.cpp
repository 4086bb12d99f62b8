#include "weft/handlers/reading/message_search.hpp"

#include <algorithm>
#include <charconv>

#include "reading/sender_members.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {
namespace {

/// Hits that are looked at for one page when the user may not see most of them, or the filter rejects them.
constexpr std::size_t kHitsMax = 1'000;
/// Rooms that a search in named rooms takes in as well, because those replaced them.
constexpr std::size_t kPredecessorsMax = 20;
/// Hits that can be reached by going from page to page.
constexpr std::size_t kOffsetMax = 100'000;

std::string group_text(const SearchToken& token) {
    if (!token.group) return "all";
    return (token.group->first == SearchGroup::kRoom ? "room_id" : "sender") + std::string{"\n"} +
           token.group->second;
}

std::optional<std::string> searched_text(const proto::Event& event) {
    for (const auto* const key : {"body", "name", "topic"}) {
        if (const auto text = proto::get_string(event.content(), key)) {
            std::string out{*text};
            std::erase(out, '\0');
            return out;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<SearchToken> SearchToken::parse(std::string_view text) {
    const auto decoded = proto::base64_url_decode(text);
    if (!decoded) return std::nullopt;
    const std::string_view plain{*decoded};
    const auto last = plain.rfind('\n');
    if (last == plain.npos) return std::nullopt;
    SearchToken token;
    const auto number = plain.substr(last + 1);
    const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), token.offset);
    if (error != std::errc{} || stop != number.data() + number.size() || token.offset > kOffsetMax)
        return std::nullopt;
    const auto group = plain.substr(0, last);
    if (group == "all") return token;
    const auto split = group.find('\n');
    if (split == group.npos) return std::nullopt;
    const auto name = group.substr(0, split);
    if (name != "room_id" && name != "sender") return std::nullopt;
    token.group.emplace(name == "room_id" ? SearchGroup::kRoom : SearchGroup::kSender,
                        group.substr(split + 1));
    return token;
}

std::string SearchToken::to_string() const {
    return proto::base64_url_encode(fmt::format("{}\n{}", group_text(*this), offset));
}

/// To its members an upgraded room is one with those that it replaced.
Task<void> MessageSearch::add_predecessors(SearchQuery& query) {
    if (!query.filter.rooms) co_return;
    auto& rooms = *query.filter.rooms;
    const auto end = rooms.size() + kPredecessorsMax;
    for (std::size_t i = 0; i < rooms.size() && rooms.size() < end; ++i) {
        auto room_id = proto::RoomId::parse(rooms[i]);
        if (!room_id) continue;
        const auto create =
            co_await states_.current_event(std::move(*room_id), std::string{proto::event_type::kCreate}, "");
        const auto* const before = create ? proto::get_object(create->content(), "predecessor") : nullptr;
        const auto id = before ? proto::get_string(*before, "room_id") : std::nullopt;
        if (id && std::ranges::find(rooms, *id) == rooms.end()) rooms.emplace_back(*id);
    }
}

Task<std::vector<std::string>> MessageSearch::rooms_of(const SearchQuery& query) {
    std::vector<std::string> out;
    const auto rooms = co_await states_.rooms_of_user(query.user_id);
    for (const auto& [room_id, room] : *rooms) {
        const bool was_in = room.membership == "join" ||
                            ((room.membership == "leave" || room.membership == "ban") && !room.forgotten);
        if (!was_in || !query.filter.matches_room(room_id.str())) continue;
        if (query.from && query.from->group && query.from->group->first == SearchGroup::kRoom &&
            query.from->group->second != room_id.str()) {
            continue;
        }
        out.push_back(room_id.str());
    }
    co_return out;
}

/// Those of the hits that the user may see and wants to.
Task<MessageSearch::EventsById> MessageSearch::shown(const SearchQuery& query,
                                                     const std::vector<storage::SearchHit>& hits) {
    std::vector<proto::EventId> ids;
    for (const auto& hit : hits) ids.push_back(hit.event_id);
    std::map<proto::RoomId, std::vector<storage::StoredEventPtr>> by_room;
    for (auto& stored : co_await events_.get_stored(std::move(ids))) {
        by_room[stored->event->room_id()].push_back(std::move(stored));
    }
    const auto ignored = co_await ignored_users(account_data_, query.user_id);
    const bool of_one_sender =
        query.from && query.from->group && query.from->group->first == SearchGroup::kSender;
    EventsById out;
    for (auto& [room_id, events] : by_room) {
        for (auto& stored : co_await visibility_.visible(query.user_id, std::move(events))) {
            const auto& sender = stored->event->sender().str();
            if (of_one_sender && query.from->group->second != sender) continue;
            if (stored->redacted_because || ignored.contains(sender) || !query.filter.matches(*stored->event))
                continue;
            out.emplace(stored->event->event_id(), stored);
        }
    }
    co_return out;
}

Task<SearchResults> MessageSearch::find(SearchQuery query) {
    SearchResults out;
    co_await add_predecessors(query);
    storage::SearchTerms terms{query.text, co_await rooms_of(query), query.keys};
    if (terms.rooms.empty() || query.filter.admits_nothing()) co_return out;
    out.count = co_await search_.count(terms);

    const auto start = query.from ? query.from->offset : 0;
    auto offset = start;
    std::map<std::string, std::size_t> passed;
    bool more = true;
    while (more && out.results.size() < query.limit && offset - start < kHitsMax) {
        const auto wanted = query.limit + 1;
        const auto hits = co_await search_.find(terms, query.order, wanted, offset);
        more = hits.size() == wanted;
        const auto events = co_await shown(query, hits);
        for (const auto& hit : hits) {
            if (out.results.size() == query.limit) {
                more = true;
                break;
            }
            ++offset;
            ++passed[hit.room_id];
            if (const auto found = events.find(hit.event_id); found != events.end()) {
                out.results.push_back({found->second, hit.rank, std::nullopt, {}});
            }
        }
    }
    // A full page may be the last one: as elsewhere, the next one is empty then.
    if ((more || out.results.size() == query.limit) && offset <= kOffsetMax)
        out.next = SearchToken{offset, query.from ? query.from->group : std::nullopt};
    add_groups(query, passed, out);
    co_await add_highlights(query, out);
    if (query.context) co_await add_context(query, out);
    if (query.with_state) co_await add_state(query, out);
    co_return out;
}

void MessageSearch::add_groups(const SearchQuery& query, const std::map<std::string, std::size_t>& passed,
                               SearchResults& out) {
    const auto add = [&](std::map<std::string, SearchResults::Group>& groups, SearchGroup kind,
                         const std::string& name, std::size_t place) {
        auto& group = groups[name];
        group.events.push_back(out.results[place].event->event->event_id());
        if (group.events.size() > 1) return;
        group.order = place + 1;  // groups stand as their first results do
        if (!out.next) return;
        // A search in one room counts only the hits there.
        const bool anew = kind == SearchGroup::kRoom && !query.from;
        group.next = SearchToken{anew ? passed.at(name) : out.next->offset, std::pair{kind, name}};
    };
    for (std::size_t i = 0; i < out.results.size(); ++i) {
        const auto& event = *out.results[i].event->event;
        if (query.by_room) add(out.rooms, SearchGroup::kRoom, event.room_id().str(), i);
        if (query.by_sender) add(out.senders, SearchGroup::kSender, event.sender().str(), i);
    }
}

Task<void> MessageSearch::add_context(const SearchQuery& query, SearchResults& out) {
    for (auto& result : out.results) {
        const auto& event = *result.event->event;
        EventQuery wanted{query.user_id, event.room_id(), event.event_id()};
        result.context = co_await reader_.context(std::move(wanted), *query.context, {});
        if (!query.with_profiles) continue;
        std::vector<storage::StoredEventPtr> shown{result.event};
        shown.insert(shown.end(), result.context->before.begin(), result.context->before.end());
        shown.insert(shown.end(), result.context->after.begin(), result.context->after.end());
        const auto last = shown.back()->event->event_id();
        result.members = co_await sender_members(events_, states_, std::move(shown), last);
    }
}

Task<void> MessageSearch::add_state(const SearchQuery& query, SearchResults& out) {
    for (const auto& result : out.results) {
        const auto& room_id = result.event->event->room_id();
        if (out.state.contains(room_id.str())) continue;
        out.state[room_id.str()] = co_await room_states_.state(query.user_id, room_id);
    }
}

Task<void> MessageSearch::add_highlights(const SearchQuery& query, SearchResults& out) {
    std::vector<std::string> texts;
    for (const auto& result : out.results) {
        if (auto text = searched_text(*result.event->event)) texts.push_back(std::move(*text));
    }
    if (!texts.empty()) out.highlights = co_await search_.matching_words(query.text, std::move(texts));
}

}  // namespace weft::handlers
