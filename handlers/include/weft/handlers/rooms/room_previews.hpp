#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// A page of a space's tree. Every page goes through the tree anew, so any process can give any page.
/// Text form: `h<index>_<max depth>_<suggested only>`.
struct HierarchyToken {
    std::size_t index = 0;
    std::int64_t max_depth = 0;
    bool suggested_only = false;

    static std::optional<HierarchyToken> parse(std::string_view text);
    std::string to_string() const;
};

struct HierarchyQuery {
    HierarchyQuery(std::string user, proto::RoomId room)
        : user_id{std::move(user)}, room_id{std::move(room)} {}

    std::string user_id;
    proto::RoomId room_id;
    bool suggested_only = false;
    std::int64_t max_depth = 50;
    std::size_t limit = 50;
    std::size_t index = 0;  // rooms passed over: they were in earlier pages
};

struct HierarchyPage {
    proto::json::array rooms;
    std::optional<HierarchyToken> next;
};

/// What people who are not in a room can learn of it (client-server API, "Room previews", "Spaces"). Logic
/// thread only.
class RoomPreviews {
public:
    RoomPreviews(RoomReader& rooms, storage::StateStore& states, storage::EventsStore& events)
        : rooms_{rooms}, states_{states}, events_{events} {}

    /// For a user, or for nobody in particular, who sees less. Throws M_NOT_FOUND.
    Task<proto::json::object> summary(std::optional<std::string> user_id, proto::RoomId room_id);
    /// The tree below a space, depth first, without what the user may not see. Throws M_FORBIDDEN.
    Task<HierarchyPage> hierarchy(HierarchyQuery query);

private:
    Task<bool> is_accessible(std::optional<std::string> user_id, proto::RoomId room_id,
                             storage::RoomStatePtr state);
    Task<bool> meets_restriction(std::string user_id, proto::json::object join_rules);
    Task<proto::json::object> describe(proto::RoomId room_id, storage::RoomStatePtr state);
    Task<std::vector<proto::EventPtr>> children(storage::RoomStatePtr state, bool suggested_only);
    Task<proto::json::object> content(storage::RoomStatePtr state, std::string_view type);

    RoomReader& rooms_;
    storage::StateStore& states_;
    storage::EventsStore& events_;
};

/// Whether m.space.child names a child (it names servers to ask for it), and how children are ordered
/// ("Ordering of children within a space"). Pure.
bool is_space_child(const proto::Event& event);
bool comes_before(const proto::Event& a, const proto::Event& b);

}  // namespace weft::handlers
