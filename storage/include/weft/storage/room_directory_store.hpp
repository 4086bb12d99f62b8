#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

struct RoomAlias {
    std::string alias;
    std::string room_id;
    std::optional<std::string> creator;
    std::vector<std::string> servers;
};

struct PublicRoom {
    std::string room_id;
    std::int64_t joined_members = 0;
};

/// Aliases, and which rooms are in the public directory. Stream `public_rooms`, row: [room, visible, null,
/// null]. Caches: get_aliases_for_room. Visibility is written by the writer of public_rooms only; aliases
/// anywhere.
class RoomDirectoryStore {
public:
    RoomDirectoryStore(StoreContext context, StreamState& public_rooms);

    /// False if the room is unknown.
    Task<bool> is_public(std::string room_id);
    /// Returns the token, or nothing if it was so already (or the room is unknown).
    Task<std::optional<std::int64_t>> set_public(std::string room_id, bool visible);
    /// Most members first, then by room ID; entries after `after` if given.
    Task<std::vector<PublicRoom>> public_rooms(std::size_t limit,
                                               std::optional<PublicRoom> after = std::nullopt);
    Task<std::int64_t> count_public_rooms();
    /// Rooms that application services show, of the network `<service>|<network>`; without one those of all
    /// networks, the server's own list among them. In the same order.
    Task<std::vector<PublicRoom>> network_rooms(std::optional<std::string> instance_id, std::size_t limit);

    /// False if the alias exists.
    Task<bool> create_alias(RoomAlias alias);
    Task<std::optional<RoomAlias>> get_alias(std::string alias);
    /// The room it pointed at, or nothing if there was no such alias.
    Task<std::optional<std::string>> delete_alias(std::string alias);
    /// Aliases of the room, ordered. Cached.
    Task<std::shared_ptr<const std::vector<std::string>>> aliases_of_room(std::string room_id);

    Task<StreamUpdates> updates(std::int64_t from, std::int64_t to, std::size_t limit);
    StreamState& stream() { return public_rooms_; }

private:
    StoreContext context_;
    StreamState& public_rooms_;
    core::Cache<std::string, std::vector<std::string>> aliases_;
};

}  // namespace weft::storage
