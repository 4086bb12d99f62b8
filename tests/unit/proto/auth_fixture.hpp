#pragma once

#include "room_fixture.hpp"

namespace weft::proto::test {

inline const auto kAlice = user("alice");
inline const auto kBob = user("bob");
inline const auto kCarol = user("carol");
inline const auto kMallory = user("mallory", "evil.example");

/// Alice (100 or creator), Bob and Carol joined; `bob_level` for Bob.
inline Room busy_room(std::string_view version, std::int64_t bob_level = 0) {
    auto room = Room::with_alice(version, "public");
    room.join("bob");
    room.join("carol");
    auto content = object(R"({"users":{}})");
    if (!room.version.privileged_creators) content["users"].as_object()[kAlice.str()] = 100;
    content["users"].as_object()[kBob.str()] = bob_level;
    room.send(kAlice, "m.room.power_levels", "", content);
    return room;
}

/// The content of the room's power levels with further members.
inline json::object changed_levels(const Room& room, std::string_view changes) {
    auto content = room.lookup().find("m.room.power_levels")->content();
    for (const auto& member : object(changes)) content[member.key()] = member.value();
    return content;
}

}  // namespace weft::proto::test
