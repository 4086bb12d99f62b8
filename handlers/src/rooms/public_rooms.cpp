#include "weft/handlers/rooms/public_rooms.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;

namespace {

/// Lists are kept by their network; no network has one of these names, which hold no '|'.
constexpr const char* kOwnList = "local";
constexpr const char* kAllLists = "all";
constexpr std::size_t kListsKept = 16;
/// Rooms whose state is read at once.
constexpr std::size_t kRoomsPerRead = 100;
/// What directory_entry() reads.
constexpr std::array kShownTypes{event_type::kCreate,
                                 event_type::kName,
                                 event_type::kTopic,
                                 event_type::kAvatar,
                                 event_type::kCanonicalAlias,
                                 event_type::kJoinRules,
                                 event_type::kHistoryVisibility,
                                 event_type::kGuestAccess};

}  // namespace

std::optional<DirectoryToken> DirectoryToken::parse(std::string_view text) {
    if (text.size() < 2 || (text.front() != 'n' && text.front() != 'p')) return std::nullopt;
    DirectoryToken token;
    token.forward = text.front() == 'n';
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 1, end, token.index);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return token;
}

std::string DirectoryToken::to_string() const {
    return fmt::format("{}{}", forward ? 'n' : 'p', index);
}

PublicRooms::PublicRooms(storage::RoomDirectoryStore& directory, storage::RoomStore& rooms,
                         storage::EventsStore& events, const core::Clock& clock,
                         asio::any_io_executor executor, Options options)
    : directory_{directory},
      rooms_{rooms},
      events_{events},
      clock_{clock},
      options_{options},
      listings_{"public_room_listing", kListsKept, std::move(executor)} {}

Task<PublicRoomsPage> PublicRooms::list(PublicRoomsQuery query) {
    PublicRoomsPage page;
    if (!options_.enabled) co_return page;
    std::string key = query.all_networks ? kAllLists : query.network.empty() ? kOwnList : query.network;
    const auto listing = co_await this->listing(std::move(key), !query.since);
    page.total = listing->rooms.size();
    const auto wanted = query.limit == 0 ? options_.page_max : std::min(query.limit, options_.page_max);
    const auto since = query.since.value_or(DirectoryToken{});
    const auto start = std::min(since.index, page.total);

    // [low, high) is what has been looked at; it grows in the direction of reading.
    std::size_t low = start;
    std::size_t high = start;
    std::vector<proto::json::object> found;
    while (found.size() < wanted && high - low < options_.scanned_max) {
        const auto step = std::min(kRoomsPerRead, since.forward ? page.total - high : low);
        if (step == 0) break;
        auto entries =
            co_await describe(listing, since.forward ? high : low - step, since.forward ? high + step : low);
        if (!since.forward) std::ranges::reverse(entries);
        for (auto& entry : entries) {
            if (found.size() == wanted) break;
            since.forward ? ++high : --low;
            if (matches(entry, query)) found.push_back(std::move(entry));
        }
    }
    if (!since.forward) std::ranges::reverse(found);
    for (auto& entry : found) page.chunk.push_back(std::move(entry));
    if (high < page.total) page.next = DirectoryToken{true, high};
    if (low > 0) page.prev = DirectoryToken{false, low};
    co_return page;
}

Task<PublicRooms::ListingPtr> PublicRooms::listing(std::string key, bool fresh) {
    const auto kept = listings_.get_if_present(key);
    if (kept && !fresh && clock_.monotonic_ms() - kept->read_ms < options_.list_kept_ms) co_return kept;
    // Whoever asks while the list is being read for another's first page shares that reading.
    if (kept) listings_.invalidate(key);
    core::Cache<std::string, Listing>::Loader load = [this](std::string wanted) {
        return read_listing(std::move(wanted));
    };
    co_return co_await listings_.get(std::move(key), std::move(load));
}

Task<PublicRooms::Listing> PublicRooms::read_listing(std::string key) {
    Listing listing;
    listing.read_ms = clock_.monotonic_ms();
    if (key == kOwnList) {
        listing.rooms = co_await directory_.public_rooms(options_.rooms_max);
    } else {
        std::optional<std::string> network;
        if (key != kAllLists) network = std::move(key);
        listing.rooms = co_await directory_.network_rooms(std::move(network), options_.rooms_max);
    }
    co_return listing;
}

Task<std::vector<proto::json::object>> PublicRooms::describe(ListingPtr listing, std::size_t from,
                                                             std::size_t to) {
    std::vector<std::string> rooms;
    for (auto i = from; i < to; ++i) rooms.push_back(listing->rooms[i].room_id);
    std::vector<std::string> types(kShownTypes.begin(), kShownTypes.end());
    const auto state = co_await rooms_.state_by_type(rooms, std::move(types));
    std::vector<proto::EventId> ids;
    for (const auto& [room_id, events] : state) {
        for (const auto& [type, event_id] : events) ids.push_back(event_id);
    }
    std::unordered_map<std::string, std::vector<proto::EventPtr>> events_of;
    for (auto& event : co_await events_.get_events(std::move(ids))) {
        events_of[event->room_id().str()].push_back(std::move(event));
    }
    std::vector<proto::json::object> out;
    for (auto i = from; i < to; ++i) {
        const auto& room = listing->rooms[i];
        out.push_back(directory_entry(room, events_of[room.room_id]));
    }
    co_return out;
}

}  // namespace weft::handlers
