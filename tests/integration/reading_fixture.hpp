#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "rooms_fixture.hpp"
#include "weft/handlers/reading/event_reader.hpp"
#include "weft/handlers/reading/message_pages.hpp"
#include "weft/handlers/reading/room_state_reader.hpp"
#include "weft/rest/client/event_reading.hpp"
#include "weft/rest/client/members.hpp"
#include "weft/rest/client/messages.hpp"
#include "weft/rest/client/state_reading.hpp"

namespace weft::test {

inline const std::string kAlice = "@alice:test";
inline const std::string kBob = "@bob:test";
inline const std::string kCarol = "@carol:test";

/// The rooms with everything that reads them.
struct ReadingFixture : RoomsFixture {
    ReadingFixture() {
        messages_endpoints.register_on(router);
        event_endpoints.register_on(router);
        state_reading_endpoints.register_on(router);
        members_endpoints.register_on(router);
    }

    Answer in(const std::string& room, const std::string& token, std::string_view tail) {
        return get(token, fmt::format("/rooms/{}/{}", room, tail));
    }
    std::string say(const std::string& room, const std::string& token, const std::string& text) {
        const auto sent = put(token, fmt::format("/rooms/{}/send/m.room.message/{}", room, ++txn),
                              proto::to_json(boost::json::object{{"msgtype", "m.text"}, {"body", text}}));
        REQUIRE(sent.status == 200);
        return sent.text("event_id");
    }
    void set_state(const std::string& room, const std::string& token, std::string_view type,
                   boost::json::object content) {
        REQUIRE(put(token, fmt::format("/rooms/{}/state/{}", room, type), proto::to_json(content)).status ==
                200);
    }
    void act(const std::string& room, const std::string& token, std::string_view action,
             std::string body = "{}") {
        REQUIRE(post(token, fmt::format("/rooms/{}/{}", room, action), std::move(body)).status == 200);
    }
    /// Response of an endpoint that answers with a list.
    boost::json::array list(const std::string& room, const std::string& token, std::string_view tail) {
        http::Request request;
        request.path = request.target = fmt::format("/_matrix/client/v3/rooms/{}/{}", room, tail);
        request.headers.set("Authorization", "Bearer " + token);
        const auto response = storage.run(router.handle(std::move(request)));
        REQUIRE(response.status == 200);
        return proto::parse_json(response.body).value().as_array();
    }

    int txn = 0;
    handlers::RoomAccess access{events, states};
    storage::ErasedUserStore erased_users{storage.context()};
    handlers::Visibility event_visibility{events, states, erased_users};
    handlers::MessagePages pages{events, states, account_data_store, access, event_visibility, events_stream};
    handlers::EventReader event_reader{events, states, account_data_store, event_visibility};
    handlers::RoomStateReader state_reader{events, states, access, event_visibility};
    storage::RelationStore relations{storage.context(), events_stream};
    handlers::Aggregations aggregations{relations, events, states, account_data_store, event_visibility};
    rest::MessagesEndpoints messages_endpoints{pages, aggregations, storage.clock};
    rest::EventReadingEndpoints event_endpoints{event_reader, aggregations, storage.clock};
    rest::StateReadingEndpoints state_reading_endpoints{state_reader, storage.clock};
    rest::MembersEndpoints members_endpoints{state_reader, storage.clock};
};

/// What the message events of a list say.
inline std::vector<std::string> bodies(const boost::json::array& events) {
    std::vector<std::string> out;
    for (const auto& event : events) {
        if (const auto body = proto::get_string(event.at("content").as_object(), "body"))
            out.emplace_back(*body);
    }
    return out;
}

inline std::vector<std::string> bodies(const Answer& answer, std::string_view list = "chunk") {
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return bodies(answer.body.at(list).as_array());
}

/// `type/state_key` of all events of a list, sorted.
inline std::vector<std::string> keys(const boost::json::array& events) {
    std::vector<std::string> out;
    for (const auto& event : events) {
        const auto& object = event.as_object();
        out.push_back(std::string{*proto::get_string(object, "type")} + "/" +
                      std::string{proto::get_string(object, "state_key").value_or("")});
    }
    std::sort(out.begin(), out.end());
    return out;
}

inline std::vector<std::string> keys(const Answer& answer, std::string_view list) {
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return keys(answer.body.at(list).as_array());
}

using Texts = std::vector<std::string>;

}  // namespace weft::test
