#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "weft/core/task.hpp"
#include "weft/proto/ids.hpp"
#include "weft/storage/account_data_store.hpp"

namespace weft::handlers {

/// Tags that users put on rooms (client-server API, "Room Tagging"). All throw MatrixError: M_FORBIDDEN for
/// another user's, M_INVALID_PARAM for what cannot be a tag.
class Tags {
public:
    explicit Tags(storage::AccountDataStore& store) : store_{store} {}

    /// `{"tags": {...}}`, as text.
    Task<std::string> get(std::string requester, std::string user_id, proto::RoomId room_id);
    Task<void> set(std::string requester, std::string user_id, proto::RoomId room_id, std::string tag,
                   boost::json::object content);
    /// Also if there is no such tag.
    Task<void> remove(std::string requester, std::string user_id, proto::RoomId room_id, std::string tag);

private:
    storage::AccountDataStore& store_;
};

/// Content of m.tag, as text.
std::string tags_content(const storage::TagsOfRoom& tags);

}  // namespace weft::handlers
