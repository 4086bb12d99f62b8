#include <catch2/catch.hpp>

#include "accounts_fixture.hpp"

using namespace weft;
using test::accounts_config;
using test::AccountsFixture;

namespace {

/// Alice with two devices.
struct TwoDevices : AccountsFixture {
    TwoDevices()
        : token{register_user("alice").text("access_token")}, second{login("alice").text("access_token")} {}

    test::AccountsAnswer remove(const std::string& device, const std::string& body) {
        return call(http::Method::kDelete, "/_matrix/client/v3/devices/" + device, body, token);
    }
    std::vector<std::string> devices_on_stream() {
        std::vector<std::string> ids;
        for (const auto& row : sql("SELECT device_id FROM device_lists_stream ORDER BY stream_id"))
            ids.push_back(row[0]);
        return ids;
    }

    std::string token;
    std::string second;
};

/// Alice and bob, and a room with alice in it, as the database has it.
struct RoomServer : AccountsFixture {
    RoomServer() : token{register_user("alice").text("access_token")} {
        sql("INSERT INTO rooms (room_id, is_public, creator, room_version) VALUES ('!r:test', FALSE, "
            "'@b:test', '11')");
        test::insert_event(*this, {"$join", "!r:test", 5, "m.room.member", "@alice:test"});
        sql(R"(INSERT INTO event_json (event_id, room_id, internal_metadata, json, format_version) VALUES
            ('$join', '!r:test', '{}', '{"type": "m.room.member", "room_id": "!r:test", "sender": "@alice:test",
              "state_key": "@alice:test", "content": {"membership": "join", "displayname": "alice"},
              "origin_server_ts": 1, "depth": 5}', 3);
            INSERT INTO current_state_events (event_id, room_id, type, state_key, membership)
            VALUES ('$join', '!r:test', 'm.room.member', '@alice:test', 'join');
            INSERT INTO room_memberships (event_id, user_id, sender, room_id, membership)
            VALUES ('$join', '@alice:test', '@alice:test', '!r:test', 'join');
            INSERT INTO local_current_membership (room_id, user_id, event_id, membership)
            VALUES ('!r:test', '@alice:test', '$join', 'join'))");
    }

    std::string token;
};

}  // namespace

TEST_CASE_METHOD(TwoDevices, "a user sees their own devices", "[accounts]") {
    const auto all = get("/_matrix/client/v3/devices", second);

    CHECK(proto::to_json(all.body) == R"({"devices":[{"device_id":"FIRST"},{"device_id":"SECOND"}]})");
    CHECK(get("/_matrix/client/v3/devices/FIRST", second).text("device_id") == "FIRST");
    CHECK(get("/_matrix/client/v3/devices/THIRD", second).errcode() == "M_NOT_FOUND");
    const auto bob = register_user("bob").text("access_token");
    CHECK(get("/_matrix/client/v3/devices/SECOND", bob).status == 404);
}

TEST_CASE_METHOD(TwoDevices, "new, renamed and removed devices are changes of the user's device list",
                 "[accounts]") {
    CHECK(devices_on_stream() == std::vector<std::string>{"FIRST", "SECOND"});
    const auto before = device_store.stream().current();

    CHECK(put("/_matrix/client/v3/devices/FIRST", R"({"display_name": "phone"})", token).status == 200);
    CHECK(get("/_matrix/client/v3/devices/FIRST", token).text("display_name") == "phone");
    CHECK(devices_on_stream() == std::vector<std::string>{"SECOND", "FIRST"});
    CHECK(device_store.stream().current() == before + 1);

    CHECK(put("/_matrix/client/v3/devices/FIRST", "{}", token).status == 200);
    CHECK(put("/_matrix/client/v3/devices/THIRD", R"({"display_name": "x"})", token).status == 404);
    CHECK(put("/_matrix/client/v3/devices/FIRST", fmt::format(R"({{"display_name": "{:x>101}"}})", ""), token)
              .status == 400);
    CHECK(device_store.stream().current() == before + 1);
    CHECK(get("/_matrix/client/v3/devices/FIRST", token).text("display_name") == "phone");
}

TEST_CASE_METHOD(TwoDevices, "deleting a device takes a password and ends its session", "[accounts]") {
    const auto asked = remove("SECOND", "");
    REQUIRE(asked.status == 401);
    CHECK(proto::to_json(*proto::find(asked.body, "flows")) == R"([{"stages":["m.login.password"]}])");

    const auto done = remove("SECOND", fmt::format(R"({{"auth": {}}})", password_proof("alice")));

    CHECK(done.status == 200);
    CHECK_FALSE(is_logged_in(second));
    CHECK(is_logged_in(token));
    CHECK(get("/_matrix/client/v3/devices/SECOND", token).status == 404);
    CHECK(devices_on_stream() == std::vector<std::string>{"FIRST", "SECOND"});
    CHECK(remove("SECOND", fmt::format(R"({{"auth": {}}})", password_proof("alice"))).status == 200);
}

TEST_CASE_METHOD(TwoDevices, "a proof is good for the operation it was given for, and for no other",
                 "[accounts]") {
    const auto path = "/_matrix/client/v3/delete_devices";
    const auto session = post(path, R"({"devices": ["SECOND"]})", token).text("session");
    auto proof = password_proof("alice");
    proof.insert(1, fmt::format(R"("session": "{}", )", session));
    REQUIRE(post(path, fmt::format(R"({{"devices": ["SECOND"], "auth": {}}})", proof), token).status == 200);
    const auto only_session = fmt::format(R"({{"session": "{}"}})", session);

    // The same again is fine: perhaps the answer got lost.
    CHECK(post(path, fmt::format(R"({{"devices": ["SECOND"], "auth": {}}})", only_session), token).status ==
          200);
    CHECK(post(path, fmt::format(R"({{"devices": ["FIRST"], "auth": {}}})", only_session), token).status ==
          403);
    CHECK(remove("FIRST", fmt::format(R"({{"auth": {}}})", only_session)).status == 403);
    clock.advance(core::Milliseconds{handlers::InteractiveAuth::kSessionLifetimeMs + 1});
    CHECK(post(path, fmt::format(R"({{"devices": ["SECOND"], "auth": {}}})", only_session), token).status ==
          401);
    CHECK(is_logged_in(token));
}

TEST_CASE_METHOD(TwoDevices, "a proof of another user's session is refused", "[accounts]") {
    const auto path = "/_matrix/client/v3/delete_devices";
    const auto session = post(path, R"({"devices": ["SECOND"]})", token).text("session");
    auto proof = password_proof("alice");
    proof.insert(1, fmt::format(R"("session": "{}", )", session));
    REQUIRE(post(path, fmt::format(R"({{"devices": ["SECOND"], "auth": {}}})", proof), token).status == 200);
    const auto bob = register_user("bob").text("access_token");

    const auto stolen = fmt::format(R"({{"devices": ["SECOND"], "auth": {{"session": "{}"}}}})", session);

    CHECK(post(path, stolen, bob).status == 403);
}

TEST_CASE_METHOD(TwoDevices, "several devices are deleted at once", "[accounts]") {
    const auto body =
        fmt::format(R"({{"devices": ["FIRST", "SECOND", "NONE"], "auth": {}}})", password_proof("alice"));

    CHECK(post("/_matrix/client/v3/delete_devices", R"({"devices": "FIRST"})", token).errcode() ==
          "M_BAD_JSON");
    CHECK(post("/_matrix/client/v3/delete_devices", body, token).status == 200);

    CHECK(sql("SELECT count(*) FROM devices").front().front() == "0");
    CHECK_FALSE(is_logged_in(token));
}

TEST_CASE_METHOD(RoomServer, "a new display name goes into the profile and into the rooms", "[accounts]") {
    const std::string path = "/_matrix/client/v3/profile/@alice:test";

    CHECK(put(path + "/displayname", R"({"displayname": "Älice"})", token).status == 200);
    run(profiles.stop(10'000));

    CHECK(get(path + "/displayname").text("displayname") == "Älice");
    CHECK(get(path).text("displayname") == "Älice");
    REQUIRE(sender.sent.size() == 1);
    const auto& draft = sender.sent.front();
    CHECK(draft.room_id->str() == "!r:test");
    CHECK(draft.type == "m.room.member");
    CHECK(draft.sender.str() == "@alice:test");
    CHECK(draft.state_key == "@alice:test");
    CHECK(proto::canonical_json(draft.content) == R"({"displayname":"Älice","membership":"join"})");
}

TEST_CASE_METHOD(RoomServer, "an unchanged profile sends nothing to rooms", "[accounts]") {
    CHECK(put("/_matrix/client/v3/profile/@alice:test/displayname", R"({"displayname": "alice"})", token)
              .status == 200);
    run(profiles.stop(10'000));

    CHECK(sender.sent.empty());
}

TEST_CASE_METHOD(RoomServer, "profile fields are removed, missed, guarded and bounded", "[accounts]") {
    const std::string path = "/_matrix/client/v3/profile/@alice:test";
    const auto bob = register_user("bob").text("access_token");

    CHECK(put(path + "/avatar_url", R"({"avatar_url": "mxc://test/a"})", token).status == 200);
    CHECK(proto::to_json(get(path).body) == R"({"displayname":"alice","avatar_url":"mxc://test/a"})");
    CHECK(call(http::Method::kDelete, path + "/avatar_url", {}, token).status == 200);
    CHECK(get(path + "/avatar_url").errcode() == "M_NOT_FOUND");
    CHECK(put(path + "/displayname", R"({"displayname": ""})", token).status == 200);
    CHECK(proto::to_json(get(path).body) == "{}");

    CHECK(put(path + "/displayname", R"({"displayname": "x"})", bob).errcode() == "M_FORBIDDEN");
    CHECK(put(path + "/displayname", "{}", token).errcode() == "M_MISSING_PARAM");
    CHECK(put(path + "/displayname", R"({"displayname": 1})", token).errcode() == "M_BAD_JSON");
    CHECK(put(path + "/displayname", R"({"displayname": "a\u0000b"})", token).errcode() == "M_INVALID_PARAM");
    CHECK(put(path + "/displayname", fmt::format(R"({{"displayname": "{:x>257}"}})", ""), token).status ==
          400);
    CHECK(put(path + "/nick", R"({"nick": "x"})", token).errcode() == "M_INVALID_PARAM");
    CHECK(get("/_matrix/client/v3/profile/@nobody:test").status == 404);
    CHECK(get("/_matrix/client/v3/profile/@alice:elsewhere").status == 404);
    CHECK(get("/_matrix/client/v3/profile/alice").errcode() == "M_INVALID_PARAM");
    run(profiles.stop(10'000));
}

TEST_CASE_METHOD(RoomServer, "a profile holds any field, of any type, up to 64 KiB in all", "[accounts]") {
    const std::string path = "/_matrix/client/v3/profile/@alice:test";
    const auto bob = register_user("bob").text("access_token");

    CHECK(put(path + "/m.tz", R"({"m.tz": "Europe/London"})", token).status == 200);
    CHECK(put(path + "/org.example.job", R"({"org.example.job": {"title": "weaver", "since": 1997}})", token).status == 200);
    CHECK(put(path + "/org.example.none", R"({"org.example.none": null})", token).status == 200);
    CHECK(get(path + "/m.tz").text("m.tz") == "Europe/London");
    CHECK(get(path + "/org.example.none").body.at("org.example.none").is_null());
    const auto whole = get(path).body;
    CHECK(whole.at("displayname") == "alice");
    CHECK(whole.at("m.tz") == "Europe/London");
    CHECK(whole.at("org.example.job").at("since") == 1997);

    CHECK(put(path + "/m.tz", R"({"m.tz": "Asia/Tokyo"})", bob).errcode() == "M_FORBIDDEN");
    CHECK(call(http::Method::kDelete, path + "/m.tz", {}, bob).errcode() == "M_FORBIDDEN");
    CHECK(put(path + "/m.tz", "{}", token).errcode() == "M_MISSING_PARAM");
    CHECK(put(path + "/m.tz", R"({"m.tz": "\u0000"})", token).errcode() == "M_BAD_JSON");
    CHECK(put(path + "/m.tz", R"({"m.tz": [{"\u0000": 1}]})", token).errcode() == "M_BAD_JSON");
    CHECK(put(path + "/m.tz", R"({"m.tz": "\\u0000"})", token).status == 200);  // a backslash and letters
    CHECK(put(path + "/m." + std::string(254, 'a'), "{}", token).errcode() == "M_KEY_TOO_LARGE");
    const auto large = fmt::format(R"({{"org.example.text": "{:x>65500}"}})", "");
    CHECK(put(path + "/org.example.text", large, token).errcode() == "M_PROFILE_TOO_LARGE");
    CHECK(get(path + "/org.example.text").errcode() == "M_NOT_FOUND");

    CHECK(call(http::Method::kDelete, path + "/m.tz", {}, token).status == 200);
    CHECK(call(http::Method::kDelete, path + "/m.tz", {}, token).status == 200);
    CHECK(get(path + "/m.tz").errcode() == "M_NOT_FOUND");
    CHECK(get(path + "/org.example.job").status == 200);

    const auto body = fmt::format(R"({{"auth": {}, "erase": true}})", password_proof("alice"));
    REQUIRE(post("/_matrix/client/v3/account/deactivate", body, token).status == 200);
    CHECK_FALSE(get(path).body.contains("org.example.job"));
    run(accounts.stop(10'000));
    run(profiles.stop(10'000));
}

TEST_CASE_METHOD(RoomServer, "a deactivated user leaves their rooms", "[accounts]") {
    const auto body = fmt::format(R"({{"auth": {}}})", password_proof("alice"));

    REQUIRE(post("/_matrix/client/v3/account/deactivate", body, token).status == 200);
    run(accounts.stop(10'000));

    REQUIRE(sender.sent.size() == 1);
    CHECK(sender.sent.front().state_key == "@alice:test");
    CHECK(proto::to_json(sender.sent.front().content) == R"({"membership":"leave"})");
    CHECK(get("/_matrix/client/v3/profile/@alice:test").text("displayname") == "alice");
}

TEST_CASE("profiles can be for logged-in users only", "[accounts]") {
    auto config = accounts_config();
    config.require_auth_for_profile_requests = true;
    AccountsFixture server{config};
    const auto token = server.register_user("alice").text("access_token");

    CHECK(server.get("/_matrix/client/v3/profile/@alice:test").errcode() == "M_MISSING_TOKEN");
    CHECK(server.get("/_matrix/client/v3/profile/@alice:test", token).status == 200);
}

TEST_CASE_METHOD(TwoDevices, "a stored filter comes back to its owner", "[accounts]") {
    const std::string path = "/_matrix/client/v3/user/@alice:test/filter";
    const auto made = post(path, R"({"room": {"timeline": {"limit": 10}}})", token);
    REQUIRE(made.status == 200);
    const auto id = made.text("filter_id");

    CHECK(proto::to_json(get(path + "/" + id, token).body) == R"({"room":{"timeline":{"limit":10}}})");
    CHECK(post(path, R"({"room": {"timeline": {"limit": 10}}})", token).text("filter_id") == id);
    CHECK(post(path, R"({"room": {"timeline": {"limit": 11}}})", token).text("filter_id") != id);
    CHECK(get(path + "/999", token).errcode() == "M_NOT_FOUND");
    CHECK(get(path + "/x", token).errcode() == "M_NOT_FOUND");
    CHECK(post(path, R"({"room": []})", token).errcode() == "M_BAD_JSON");
    const auto bob = register_user("bob").text("access_token");
    CHECK(post(path, "{}", bob).errcode() == "M_FORBIDDEN");
    CHECK(get(path + "/" + id, bob).errcode() == "M_FORBIDDEN");
}

TEST_CASE_METHOD(TwoDevices, "the server says what it is and can do", "[accounts]") {
    const auto versions = get("/_matrix/client/versions");
    REQUIRE(proto::get_array(versions.body, "versions"));
    CHECK(proto::get_array(versions.body, "versions")->size() == 27);

    CHECK(proto::to_json(get("/.well-known/matrix/client").body) ==
          R"({"m.homeserver":{"base_url":"https://matrix.test/"}})");

    CHECK(get("/_matrix/client/v3/capabilities").errcode() == "M_MISSING_TOKEN");
    const auto answer = get("/_matrix/client/v3/capabilities", token);
    const auto& capabilities = *proto::get_object(answer.body, "capabilities");
    CHECK(proto::to_json(*proto::find(capabilities, "m.change_password")) == R"({"enabled":true})");
    CHECK(proto::to_json(*proto::find(capabilities, "m.3pid_changes")) == R"({"enabled":false})");
    const auto& room_versions = *proto::get_object(capabilities, "m.room_versions");
    CHECK(proto::get_string(room_versions, "default") == config.default_room_version);
    CHECK(proto::get_string(*proto::get_object(room_versions, "available"), "11") == "stable");
}
