#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/handlers/appservice/appservice_queries.hpp"
#include "weft/handlers/appservice/appservices.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/rooms/actor.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/handlers/rooms/room_visibility.hpp"
#include "weft/storage/room_directory_store.hpp"

namespace weft::handlers {

/// Room aliases of this server, and which rooms are published (client-server API, "Room aliases", "Published
/// room directory"). Logic thread only.
class RoomDirectory {
public:
    RoomDirectory(RoomReader& rooms, storage::RoomDirectoryStore& store, EventSender& sender,
                  RoomVisibility& visibility, const core::Clock& clock, std::string server_name);

    struct Resolved {
        Resolved(proto::RoomId room, std::vector<std::string> via)
            : room_id{std::move(room)}, servers{std::move(via)} {}
        proto::RoomId room_id;
        std::vector<std::string> servers;  // that are in the room
    };
    /// Nothing if there is no such alias here.
    Task<std::optional<Resolved>> find(proto::RoomAlias alias);
    /// Throws M_NOT_FOUND.
    Task<Resolved> resolve(proto::RoomAlias alias);
    /// The room that an ID or an alias names. Throws M_INVALID_PARAM, M_NOT_FOUND.
    Task<proto::RoomId> room_of(std::string id_or_alias);

    /// False if the alias exists already.
    Task<bool> claim(proto::RoomAlias alias, proto::RoomId room_id, proto::UserId creator);
    /// A member of the room names it. 409 M_UNKNOWN if the alias exists.
    Task<void> create(Actor actor, proto::RoomAlias alias, proto::RoomId room_id);
    /// Its creator, a server administrator and whoever may set the room's canonical alias can do it. Takes
    /// the alias out of m.room.canonical_alias too, if the actor may.
    Task<void> remove(Actor actor, proto::RoomAlias alias);
    /// For members, and for everybody where the room's history is.
    Task<std::vector<std::string>> aliases(Actor actor, proto::RoomId room_id);

    Task<bool> is_published(proto::RoomId room_id);
    /// A server administrator and whoever may set the room's canonical alias can do it.
    Task<void> publish(Actor actor, proto::RoomId room_id, bool visible);

    /// Throws M_INVALID_PARAM unless the alias is one that this server can give, M_EXCLUSIVE if it is reserved for
    /// another application service than the one that acts.
    void require_own(const proto::RoomAlias& alias, const std::string& appservice_id = {}) const;
    /// Aliases are reserved by application services, which may make those that nobody has yet when they are asked.
    void use_appservices(const Appservices& services, AppserviceQueries& queries) {
        appservices_ = &services;
        queries_ = &queries;
    }
    const std::string& server_name() const { return server_name_; }

private:
    Task<bool> may_set_canonical_alias(proto::UserId user_id, proto::RoomId room_id);
    Task<void> withdraw(proto::UserId user_id, proto::RoomId room_id, proto::RoomAlias alias);

    RoomReader& rooms_;
    storage::RoomDirectoryStore& store_;
    EventSender& sender_;
    RoomVisibility& visibility_;
    const core::Clock& clock_;
    std::string server_name_;
    const Appservices* appservices_ = nullptr;
    AppserviceQueries* queries_ = nullptr;
};

/// The content of m.room.canonical_alias without one alias; nothing if it is not in there. Pure.
std::optional<proto::json::object> without_alias(const proto::json::object& canonical_alias,
                                                 std::string_view alias);

}  // namespace weft::handlers
