#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/sync_room.hpp"
#include "weft/handlers/sync/sync_token.hpp"
#include "weft/storage/e2e_key_store.hpp"

namespace weft::handlers {

/// Everything of one answer, collected before it is written.
struct SyncAnswer {
    SyncToken next;
    std::vector<SyncRoom> joined;
    std::vector<SyncRoom> left;
    std::vector<std::pair<proto::RoomId, std::string>> invited;  // with the events' JSON array
    std::vector<std::pair<proto::RoomId, std::string>> knocked;
    std::vector<std::string> presence;
    std::vector<std::string> account_data;
    std::vector<std::string> to_device;
    std::set<std::string> devices_changed;
    std::set<std::string> devices_left;
    /// What the device has left on the server; null without a device. `keys_changed`: since it was last told.
    std::shared_ptr<const storage::DeviceKeyCounts> keys;
    bool keys_changed = false;

    /// Not written: the rooms it was made of, and people the user has come to share a room with, or perhaps shares none with
    /// any more.
    storage::UserRoomsPtr rooms;
    std::set<std::string> met;
    std::set<std::string> parted;

    bool empty() const { return presence.empty() && empty_but_presence(); }
    bool empty_but_presence() const {
        return joined.empty() && left.empty() && invited.empty() && knocked.empty() && account_data.empty() && to_device.empty() &&
               devices_changed.empty() && devices_left.empty() && !keys_changed;
    }
};

/// What the timelines show.
std::vector<storage::StoredEventPtr> timeline_events(const SyncAnswer& answer);

/// The body of the response.
std::string write_sync_answer(const SyncAnswer& answer, const EventViewer& viewer);
/// The same for an answer that is sent in parts, which follow one another: members of the answer's object that are not about
/// rooms, members of `rooms.join` and of `rooms.leave`, and the other members of `rooms`.
void write_outside_rooms(proto::JsonWriter& writer, const SyncAnswer& answer);
void write_joined_rooms(proto::JsonWriter& writer, const SyncAnswer& answer, const EventViewer& viewer);
void write_left_rooms(proto::JsonWriter& writer, const SyncAnswer& answer, const EventViewer& viewer);
void write_pending_rooms(proto::JsonWriter& writer, const SyncAnswer& answer);

/// `{"type":…,"content":…}` with content that is JSON text already.
std::string typed_event(std::string_view type, std::string_view content_json);
/// Content of m.tag.
std::string tag_content(const storage::TagsOfRoom& tags);
/// Content of m.receipt: event → type → user → data; private receipts are for their user only.
boost::json::object receipt_content(const storage::ReceiptList& receipts, const std::string& user_id);

}  // namespace weft::handlers
