#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/handlers/reading/event_reader.hpp"
#include "weft/handlers/reading/ignored_users.hpp"
#include "weft/handlers/reading/room_state_reader.hpp"
#include "weft/storage/search_store.hpp"

namespace weft::handlers {

enum class SearchGroup { kRoom, kSender };

/// Where a search goes on, perhaps in one group of its results only. Opaque text for clients.
struct SearchToken {
    std::size_t offset = 0;
    std::optional<std::pair<SearchGroup, std::string>> group;

    static std::optional<SearchToken> parse(std::string_view text);
    std::string to_string() const;
};

/// POST /search, the category room_events.
struct SearchQuery {
    explicit SearchQuery(std::string user) : user_id{std::move(user)} {}

    std::string user_id;
    std::string text;
    std::vector<std::string> keys{"content.body", "content.name", "content.topic"};
    proto::EventFilter filter;
    std::size_t limit = 10;
    storage::SearchOrder order = storage::SearchOrder::kRank;
    std::optional<EventReader::Around> context;
    bool with_profiles = false;  // in the context
    bool with_state = false;
    bool by_room = false;
    bool by_sender = false;
    std::optional<SearchToken> from;
};

struct SearchResults {
    struct Result {
        storage::StoredEventPtr event;
        double rank = 0;
        std::optional<EventContext> context;
        std::vector<storage::StoredEventPtr> members;  // who sent what is in the context
    };
    struct Group {
        std::vector<proto::EventId> events;
        std::size_t order = 0;
        std::optional<SearchToken> next;
    };
    std::int64_t count = 0;  // about, of all pages
    std::vector<std::string> highlights;
    std::vector<Result> results;
    std::map<std::string, std::vector<storage::StoredEventPtr>> state;  // by room
    std::map<std::string, Group> rooms;
    std::map<std::string, Group> senders;
    std::optional<SearchToken> next;
};

/// Finds messages in the rooms that a user is or was in, as far as they may see them (client-server API,
/// "Server Side Search"). Logic thread only.
class MessageSearch {
public:
    MessageSearch(storage::SearchStore& search, storage::EventsStore& events, storage::StateStore& states,
                  storage::AccountDataStore& account_data, EventReader& reader, RoomStateReader& room_states,
                  Visibility& visibility)
        : search_{search},
          events_{events},
          states_{states},
          account_data_{account_data},
          reader_{reader},
          room_states_{room_states},
          visibility_{visibility} {}

    Task<SearchResults> find(SearchQuery query);

private:
    Task<void> add_predecessors(SearchQuery& query);
    Task<std::vector<std::string>> rooms_of(const SearchQuery& query);
    using EventsById = std::unordered_map<proto::EventId, storage::StoredEventPtr>;
    Task<EventsById> shown(const SearchQuery& query, const std::vector<storage::SearchHit>& hits);
    Task<void> add_context(const SearchQuery& query, SearchResults& out);
    Task<void> add_state(const SearchQuery& query, SearchResults& out);
    Task<void> add_highlights(const SearchQuery& query, SearchResults& out);
    /// `passed`: hits of each room that were looked at.
    static void add_groups(const SearchQuery& query, const std::map<std::string, std::size_t>& passed,
                           SearchResults& out);

    storage::SearchStore& search_;
    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::AccountDataStore& account_data_;
    EventReader& reader_;
    RoomStateReader& room_states_;
    Visibility& visibility_;
};

}  // namespace weft::handlers
