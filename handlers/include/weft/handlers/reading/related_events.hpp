#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/handlers/reading/event_reader.hpp"
#include "weft/handlers/reading/ignored_users.hpp"
#include "weft/handlers/reading/room_access.hpp"
#include "weft/handlers/reading/visibility.hpp"
#include "weft/storage/relation_store.hpp"

namespace weft::handlers {

struct RelatedPage {
    std::vector<storage::StoredEventPtr> chunk;
    std::optional<storage::RoomToken> next;  // none: there is nothing more
};

/// Which threads of a room are wanted.
struct ThreadsWanted {
    ThreadsWanted(std::string user, proto::RoomId room)
        : user_id{std::move(user)}, room_id{std::move(room)} {}

    std::string user_id;
    proto::RoomId room_id;
    bool participated = false;  // only those the user has part in
    std::optional<storage::RoomToken> from;
    std::size_t limit = 1;
};

/// Events that relate to one, and the threads of rooms (client-server API, GET /relations and /threads).
/// Logic thread only.
class RelatedEvents {
public:
    RelatedEvents(storage::RelationStore& relations, storage::EventsStore& events,
                  storage::AccountDataStore& account_data, EventReader& reader, RoomAccess& access,
                  Visibility& visibility)
        : relations_{relations},
          events_{events},
          account_data_{account_data},
          reader_{reader},
          access_{access},
          visibility_{visibility} {}

    /// Throws M_NOT_FOUND if the user may not see the event they relate to.
    Task<RelatedPage> page(std::string user_id, storage::RelationQuery query);
    /// The roots, that with the newest answer first. Throws M_FORBIDDEN.
    Task<RelatedPage> threads(ThreadsWanted wanted);

private:
    Task<std::vector<storage::StoredEventPtr>> shown(std::string user_id, std::vector<proto::EventId> ids);

    storage::RelationStore& relations_;
    storage::EventsStore& events_;
    storage::AccountDataStore& account_data_;
    EventReader& reader_;
    RoomAccess& access_;
    Visibility& visibility_;
};

}  // namespace weft::handlers
