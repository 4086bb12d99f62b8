#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/core/clock.hpp"
#include "weft/proto/event.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/room_directory_store.hpp"
#include "weft/storage/room_store.hpp"

namespace weft::handlers {

/// A page of the directory starts or ends between two rooms of the list. Text form: `n<index>` reads on from
/// there, `p<index>` reads what comes before.
struct DirectoryToken {
    bool forward = true;
    std::size_t index = 0;

    static std::optional<DirectoryToken> parse(std::string_view text);
    std::string to_string() const;
};

struct PublicRoomsQuery {
    std::optional<DirectoryToken> since;
    std::size_t limit = 0;  // 0: as many as the server gives at once
    /// Part of the name, topic or alias, ASCII letters without regard to case. Empty: all rooms.
    std::string search;
    /// Wanted room types; an empty optional stands for rooms without a type. None given: all rooms.
    std::optional<std::vector<std::optional<std::string>>> room_types;
    /// `<service>|<network>`: rooms that an application service shows as those of a network. Empty: the
    /// server's own list.
    std::string network;
    bool all_networks = false;  // both, and no network is named
};

struct PublicRoomsPage {
    proto::json::array chunk;
    std::optional<DirectoryToken> next;
    std::optional<DirectoryToken> prev;
    std::size_t total = 0;
};

/// The published room directory (client-server API, GET and POST /publicRooms), largest rooms first. A first
/// page reads the list anew; the pages after it go on in the list the process read last, for a short while.
/// Logic thread only.
class PublicRooms {
public:
    struct Options {
        bool enabled = true;  // enable_room_list_search
        std::size_t rooms_max = 10'000;
        std::size_t page_max = 100;
        /// Rooms that one search looks at; it is gone on with by the next page.
        std::size_t scanned_max = 1'000;
        std::int64_t list_kept_ms = 30'000;
    };

    PublicRooms(storage::RoomDirectoryStore& directory, storage::RoomStore& rooms,
                storage::EventsStore& events, const core::Clock& clock, asio::any_io_executor executor,
                Options options);

    Task<PublicRoomsPage> list(PublicRoomsQuery query);

private:
    struct Listing {
        std::vector<storage::PublicRoom> rooms;
        std::int64_t read_ms = 0;
    };
    using ListingPtr = std::shared_ptr<const Listing>;
    Task<ListingPtr> listing(std::string key, bool fresh);
    Task<Listing> read_listing(std::string key);
    Task<std::vector<proto::json::object>> describe(ListingPtr listing, std::size_t from, std::size_t to);

    storage::RoomDirectoryStore& directory_;
    storage::RoomStore& rooms_;
    storage::EventsStore& events_;
    const core::Clock& clock_;
    Options options_;
    core::Cache<std::string, Listing> listings_;
};

/// A room as the directory shows it (PublishedRoomsChunk), from its current state by event type. Pure.
proto::json::object directory_entry(const storage::PublicRoom& room,
                                    const std::vector<proto::EventPtr>& state);
/// Whether the entry is one that the query asks for. Pure.
bool matches(const proto::json::object& entry, const PublicRoomsQuery& query);

}  // namespace weft::handlers
