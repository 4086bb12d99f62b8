#pragma once

#include <map>
#include <string>

#include "weft/proto/auth_rules.hpp"
#include "weft/proto/event_builder.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::proto::test {

inline const std::string kServer = "example.org";
inline UserId user(const std::string& localpart, const std::string& server = kServer) {
    return UserId::trusted("@" + localpart + ":" + server);
}
inline json::object object(std::string_view text) {
    return parse_json_object(text).value();
}

/// The key of the specification's test vectors.
inline const SigningKey& test_key() {
    static const SigningKey key =
        SigningKey::parse("ed25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1").value();
    return key;
}

/// A room whose events are really built, hashed and signed, so that ids and auth events are what they claim.
class Room {
public:
    explicit Room(std::string_view version_id, json::object create_content = {})
        : version{RoomVersion::get(version_id)} {
        if (!version.implicit_creator) create_content["creator"] = user("alice").str();
        create_content["room_version"] = version_id;
        create = send(user("alice"), "m.room.create", "", std::move(create_content));
    }

    /// Alice and her usual first events.
    static Room with_alice(std::string_view version_id, std::string_view join_rule = "invite") {
        Room room{version_id};
        room.send(user("alice"), "m.room.member", user("alice").str(), object(R"({"membership":"join"})"));
        json::object levels = object(R"({"users":{}})");
        if (!room.version.privileged_creators) levels["users"].as_object()[user("alice").str()] = 100;
        room.send(user("alice"), "m.room.power_levels", "", levels);
        room.send(user("alice"), "m.room.join_rules", "", json::object{{"join_rule", join_rule}});
        return room;
    }

    /// Builds an event on top of `at`, with the auth events it needs. Changes nothing.
    EventPtr make_at(const StateMap& at, const UserId& sender, std::string type,
                     std::optional<std::string> state_key, json::object content,
                     std::vector<EventId> prev_events = {}) {
        std::vector<EventReference> prev;
        if (prev_events.empty() && last) prev_events.push_back(last->event_id());
        for (const auto& id : prev_events) prev.push_back(reference_to(*events.at(id)));
        std::vector<EventReference> auth;
        for (const auto& key : auth_types_for_event(type, sender.str(), state_key, content, version)) {
            if (const auto found = at.find(key); found != at.end())
                auth.push_back(reference_to(*events.at(found->second)));
        }
        EventDraft draft{.room_id = room_id,
                         .sender = sender,
                         .type = std::move(type),
                         .state_key = std::move(state_key),
                         .content = std::move(content),
                         .redacts = std::nullopt,
                         .origin_server_ts = ++clock};
        if (!room_id && !version.room_id_is_create_hash) draft.room_id = RoomId::trusted("!room:" + kServer);
        auto event = build_event(std::move(draft), prev, auth, ++depth, version, kServer, test_key()).value();
        events.emplace(event->event_id(), event);
        return event;
    }

    EventPtr make(const UserId& sender, std::string type, std::optional<std::string> state_key,
                  json::object content) {
        return make_at(state, sender, std::move(type), std::move(state_key), std::move(content));
    }

    /// make(), and the room goes on from there.
    EventPtr send(const UserId& sender, std::string type, std::optional<std::string> state_key,
                  json::object content) {
        auto event = make(sender, std::move(type), std::move(state_key), std::move(content));
        if (!room_id) room_id = event->room_id();
        if (event->is_state()) state.insert_or_assign(event->key(), event->event_id());
        last = event;
        return event;
    }

    EventPtr join(const std::string& localpart, const std::string& server = kServer) {
        return set_member(localpart, "join", server);
    }
    EventPtr set_member(const std::string& localpart, std::string_view membership,
                        const std::string& server = kServer) {
        const auto who = user(localpart, server);
        return send(who, "m.room.member", who.str(), json::object{{"membership", membership}});
    }

    /// All of the current state, as check_auth() wants it.
    AuthLookup lookup() const {
        AuthLookup auth;
        for (const auto& [key, id] : state) auth.add(events.at(id));
        return auth;
    }

    AuthResult check(const EventPtr& event) const { return check_auth(*event, lookup(), version); }
    /// Builds and judges: the number of the rule that rejects, or "".
    std::string verdict(const UserId& sender, std::string type, std::optional<std::string> state_key,
                        json::object content) {
        return check(make(sender, std::move(type), std::move(state_key), std::move(content))).rule();
    }
    std::string member_verdict(const UserId& sender, const UserId& target, json::object content) {
        return verdict(sender, "m.room.member", target.str(), std::move(content));
    }
    std::string member_verdict(const UserId& sender, const UserId& target, std::string_view membership) {
        return member_verdict(sender, target, json::object{{"membership", membership}});
    }

    EventPtr load(const EventId& id) const {
        const auto found = events.find(id);
        return found == events.end() ? nullptr : found->second;
    }

    const RoomVersion& version;
    std::map<EventId, EventPtr> events;
    StateMap state;
    std::optional<RoomId> room_id;
    EventPtr create;
    EventPtr last;
    std::int64_t clock = 1'000'000;
    std::int64_t depth = 0;
};

}  // namespace weft::proto::test
