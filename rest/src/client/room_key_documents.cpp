#include "client/room_key_documents.hpp"

#include <limits>

#include <fmt/format.h>

#include "client/body_members.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json_writer.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;

namespace {

const json::object& required_object(const json::object& parent, std::string_view key) {
    const auto* const value = proto::find(parent, key);
    if (!value) throw MatrixError::missing_param(fmt::format("'{}' is missing", key));
    if (!value->is_object()) throw MatrixError::bad_json(fmt::format("'{}' must be an object", key));
    return value->get_object();
}

/// Counts fit the table's 32 bits.
std::int64_t required_count(const json::object& parent, std::string_view key) {
    const auto* const value = proto::find(parent, key);
    if (!value) throw MatrixError::missing_param(fmt::format("'{}' is missing", key));
    const auto count = proto::as_int(*value);
    if (!count || *count < 0 || *count > std::numeric_limits<std::int32_t>::max())
        throw MatrixError::bad_json(fmt::format("'{}' must be a count", key));
    return *count;
}

std::string checked_id(std::string_view id) {
    if (id.find('\0') != std::string_view::npos) throw MatrixError::invalid_param("an ID holds NUL");
    return std::string{id};
}

storage::RoomKey parse_key(std::string_view room_id, std::string_view session_id, const json::value& value) {
    if (!value.is_object()) throw MatrixError::bad_json("a key must be an object");
    const auto& document = value.get_object();
    const auto verified = optional_bool(document, "is_verified");
    if (!verified) throw MatrixError::missing_param("'is_verified' is missing");
    storage::RoomKey key;
    key.room_id = checked_id(room_id);
    key.session_id = checked_id(session_id);
    key.first_message_index = required_count(document, "first_message_index");
    key.forwarded_count = required_count(document, "forwarded_count");
    key.is_verified = *verified;
    key.session_data = proto::to_json(required_object(document, "session_data"));
    return key;
}

void add_sessions(std::vector<storage::RoomKey>& keys, std::string_view room_id, const json::object& room) {
    for (const auto& [session_id, key] : required_object(room, "sessions")) {
        keys.push_back(parse_key(room_id, session_id, key));
    }
}

void write_key(proto::JsonWriter& writer, const storage::RoomKey& key) {
    writer.begin_object()
        .member("first_message_index", key.first_message_index)
        .member("forwarded_count", key.forwarded_count)
        .member("is_verified", key.is_verified)
        .key("session_data")
        .raw(key.session_data)
        .end_object();
}

using KeyIterator = std::vector<storage::RoomKey>::const_iterator;

/// `{sessions: …}` of the room at `key`; returns where the next room begins.
KeyIterator write_room(proto::JsonWriter& writer, KeyIterator key, KeyIterator end) {
    writer.begin_object().key("sessions").begin_object();
    for (const auto first = key; key != end && key->room_id == first->room_id; ++key) {
        writer.key(key->session_id);
        write_key(writer, *key);
    }
    writer.end_object().end_object();
    return key;
}

}  // namespace

std::vector<storage::RoomKey> parse_room_keys(const json::object& body,
                                              const storage::RoomKeySelection& selection) {
    std::vector<storage::RoomKey> keys;
    if (selection.session_id) {
        keys.push_back(parse_key(*selection.room_id, *selection.session_id, json::value(body)));
    } else if (selection.room_id) {
        add_sessions(keys, *selection.room_id, body);
    } else {
        for (const auto& [room_id, room] : required_object(body, "rooms")) {
            if (!room.is_object()) throw MatrixError::bad_json("a room must be an object");
            add_sessions(keys, room_id, room.get_object());
        }
    }
    return keys;
}

std::string room_keys_document(const std::vector<storage::RoomKey>& keys,
                               const storage::RoomKeySelection& selection) {
    proto::JsonWriter writer{1024};
    if (selection.session_id) {
        write_key(writer, keys.front());
    } else if (selection.room_id) {
        write_room(writer, keys.begin(), keys.end());
    } else {
        writer.begin_object().key("rooms").begin_object();
        for (auto key = keys.begin(); key != keys.end();) {
            writer.key(key->room_id);
            key = write_room(writer, key, keys.end());
        }
        writer.end_object().end_object();
    }
    return writer.take();
}

std::string backup_version_document(const storage::RoomKeyBackupVersion& version) {
    proto::JsonWriter writer;
    writer.begin_object()
        .member("algorithm", version.algorithm)
        .key("auth_data")
        .raw(version.auth_data)
        .member("count", version.count)
        .member("etag", std::to_string(version.etag))
        .member("version", std::to_string(version.version))
        .end_object();
    return writer.take();
}

}  // namespace weft::rest
