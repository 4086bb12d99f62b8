// Invitations to e-mail addresses, with an identity server that the tests play.
#include <catch2/catch.hpp>

#include "rooms_fixture.hpp"
#include "weft/proto/crypto.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr auto kAlice = "@alice:test";
constexpr auto kBob = "@bob:test";
constexpr auto kCarol = "@carol:test";
constexpr auto kInvite =
    R"({"id_server": "id.example", "id_access_token": "trust", "medium": "email", "address": "Bob@Example.org"})";

struct IdentityServer : RoomsFixture {
    IdentityServer() {
        identity_server = [this](const handlers::IdentityServers::Call& call) { return answer(call); };
        room = create_room(kAlice, R"({"preset": "private_chat", "name": "Pub"})");
    }

    http::Response answer(const handlers::IdentityServers::Call& call) {
        const auto path = call.url.substr(std::string_view{"https://id.example/_matrix/identity/v2/"}.size());
        asked.push_back(path.substr(0, path.find('?')));
        if (asked.back() == "pubkey/isvalid")
            return http::Response::json(json::object{{"valid", key_is_valid}});
        if (call.authorization != "Bearer trust") return http::Response{401, R"({"errcode": "M_UNAUTHORIZED"})"};
        if (path == "hash_details")
            return http::Response{200, R"({"algorithms": ["none", "sha256"], "lookup_pepper": "salt"})"};
        const auto body = proto::parse_json_object(call.body).value();
        if (path == "lookup") return http::Response::json(json::object{{"mappings", mappings}});
        stored = body;
        return http::Response::json(
            json::object{{"token", token},
                         {"display_name", "b...@e..."},
                         {"public_keys", json::array{public_key(long_term), public_key(ephemeral)}}});
    }
    static json::object public_key(const proto::SigningKey& key) {
        return {{"public_key", key.public_key_base64()},
                {"key_validity_url", "https://id.example/_matrix/identity/v2/pubkey/isvalid"}};
    }
    /// What the identity server gives to whom the address belongs.
    json::object proof(const std::string& user_id, const proto::SigningKey& key) const {
        json::object signed_object{{"sender", kAlice}, {"mxid", user_id}, {"token", token}};
        proto::sign_json(signed_object, "id.example", key);
        return signed_object;
    }
    Answer join(const std::string& user_id, const json::object& proof) {
        return post(user_id, "/rooms/" + room + "/join",
                    proto::to_json(json::object{{"third_party_signed", proof}}));
    }
    Answer invite(const std::string& body = kInvite) {
        return post(kAlice, "/rooms/" + room + "/invite", body);
    }

    std::string room;
    std::string token = "token-1";
    proto::SigningKey long_term = proto::SigningKey::generate("0");
    proto::SigningKey ephemeral = proto::SigningKey::generate("1");
    json::object mappings;
    json::object stored;  // what the last invitation was to be stored with
    bool key_is_valid = true;
    std::vector<std::string> asked;
};

}  // namespace

TEST_CASE_METHOD(IdentityServer, "an address that the identity server knows is its user's", "[rooms]") {
    const auto hash = proto::sha256("bob@example.org email salt");
    mappings[proto::base64_url_encode(proto::as_bytes(hash))] = kBob;

    CHECK(invite().status == 200);

    CHECK(membership(room, kBob) == "invite");
    CHECK(asked == std::vector<std::string>{"hash_details", "lookup"});
}

TEST_CASE_METHOD(IdentityServer,
                 "an invitation to an unknown address is kept until its owner proves to be that", "[rooms]") {
    REQUIRE(invite().status == 200);
    CHECK(proto::get_string(stored, "address") == "bob@example.org");
    CHECK(proto::get_string(stored, "room_id") == room);
    CHECK(proto::get_string(stored, "room_name") == "Pub");
    CHECK(proto::get_string(stored, "sender") == kAlice);
    const auto announced = state(room, "m.room.third_party_invite", token);
    CHECK(proto::get_string(announced, "display_name") == "b...@e...");
    CHECK(proto::get_string(announced, "public_key") == long_term.public_key_base64());
    CHECK(announced.at("public_keys").as_array().size() == 2);

    CHECK(join(kBob, {}).errcode() == "M_FORBIDDEN");
    CHECK(join(kBob, proof(kBob, proto::SigningKey::generate("1"))).errcode() == "M_FORBIDDEN");
    CHECK(join(kCarol, proof(kBob, ephemeral)).errcode() == "M_FORBIDDEN");
    auto of_another = proof(kBob, ephemeral);
    of_another["token"] = "token-2";
    CHECK(join(kBob, of_another).errcode() == "M_FORBIDDEN");
    key_is_valid = false;
    CHECK(join(kBob, proof(kBob, ephemeral)).errcode() == "M_FORBIDDEN");
    CHECK(membership(room, kBob) == "leave");

    key_is_valid = true;
    CHECK(join(kBob, proof(kBob, ephemeral)).status == 200);
    CHECK(membership(room, kBob) == "join");
    const auto member = timeline(room);
    CHECK(std::count(member.begin(), member.end(), "m.room.member") ==
          3);  // alice's join, bob's invite and join
    CHECK(join(kBob, proof(kBob, ephemeral)).status == 200);
}

TEST_CASE_METHOD(IdentityServer, "a revoked invitation is good for nobody", "[rooms]") {
    REQUIRE(invite().status == 200);
    REQUIRE(put(kAlice, "/rooms/" + room + "/state/m.room.third_party_invite/" + token, "{}").status == 200);

    CHECK(join(kBob, proof(kBob, ephemeral)).errcode() == "M_FORBIDDEN");
}

TEST_CASE_METHOD(IdentityServer, "a new room invites addresses, and is there if that fails", "[rooms]") {
    const auto body = json::object{{"invite_3pid", json::array{*proto::parse_json(kInvite)}}};
    room = create_room(kAlice, proto::to_json(body));
    CHECK(state(room, "m.room.third_party_invite", token).contains("public_key"));

    identity_server = nullptr;
    room = create_room(kAlice, proto::to_json(body));
    CHECK(state(room, "m.room.third_party_invite", token).empty());
    CHECK(post(kAlice, "/createRoom", R"({"invite_3pid": [7]})").errcode() == "M_BAD_JSON");
    CHECK(post(kAlice, "/createRoom", R"({"invite_3pid": [{"medium": "email"}]})").errcode() ==
          "M_MISSING_PARAM");
}

TEST_CASE_METHOD(IdentityServer, "nobody is asked about an invitation that may not be, or makes no sense",
                 "[rooms]") {
    CHECK(post(kBob, "/rooms/" + room + "/invite", kInvite).errcode() == "M_FORBIDDEN");
    CHECK(invite(R"({"medium": "email", "address": "bob@example.org"})").errcode() == "M_MISSING_PARAM");
    CHECK(
        invite(
            R"({"id_server": "id.example", "id_access_token": "trust", "medium": "msisdn", "address": "1"})")
            .errcode() == "M_THREEPID_MEDIUM_NOT_SUPPORTED");
    CHECK(
        invite(
            R"({"id_server": "a/b", "id_access_token": "trust", "medium": "email", "address": "b@example.org"})")
            .errcode() == "M_INVALID_PARAM");
    CHECK(asked.empty());

    CHECK(
        invite(
            R"({"id_server": "id.example", "id_access_token": "no", "medium": "email", "address": "b@example.org"})")
            .errcode() == "M_FORBIDDEN");
    for (const auto* const nonsense : {"", "[]", "{}", R"({"algorithms": ["rot13"]})"}) {
        identity_server = [&](const auto&) { return http::Response{200, nonsense}; };
        CHECK(invite().errcode() == "M_UNKNOWN");
    }
    identity_server = nullptr;
    CHECK(invite().errcode() == "M_UNKNOWN");
}
