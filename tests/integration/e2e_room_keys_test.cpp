// Server-side key backups.
#include "e2e_fixture.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr auto kKeys = "/room_keys/keys";

struct Backup : E2eFixture {
    Backup() { version = create(); }

    std::string create() {
        const auto answer = post("alice", "/room_keys/version",
                                 R"({"algorithm": "m.megolm_backup", "auth_data": {"public_key": "abc"}})");
        REQUIRE(answer.status == 200);
        return answer.text("version");
    }
    static std::string key(int index, int forwarded, bool verified, const std::string& data) {
        return fmt::format(R"({{"first_message_index": {}, "forwarded_count": {}, "is_verified": {},
                               "session_data": {{"data": "{}"}}}})",
                           index, forwarded, verified, data);
    }
    std::string at(const std::string& tail) const { return kKeys + tail + "?version=" + version; }
    /// etag and count after storing a key of one session.
    std::pair<std::string, std::string> store(const std::string& body, const std::string& session = "s") {
        const auto answer = put("alice", at("/!r:test/" + session), body);
        REQUIRE(answer.status == 200);
        return {answer.text("etag"), json_at(answer.body, {"count"})};
    }
    std::string stored(const std::string& session = "s") {
        return json_at(get("alice", at("/!r:test/" + session)).body, {"session_data", "data"});
    }

    std::string version;
};
using State = std::pair<std::string, std::string>;

}  // namespace

TEST_CASE_METHOD(Backup, "a backup has versions, of which the newest counts", "[e2e]") {
    const auto second = create();
    CHECK(second != version);

    const auto current = get("alice", "/room_keys/version");
    CHECK(current.text("version") == second);
    CHECK(current.text("etag") == "0");
    CHECK(json_at(current.body, {"count"}) == "0");
    CHECK(json_at(current.body, {"auth_data"}) == R"({"public_key":"abc"})");
    CHECK(get("alice", "/room_keys/version/" + version).text("version") == version);
    CHECK(get("bob", "/room_keys/version").errcode() == "M_NOT_FOUND");
    for (const auto* unknown : {"99", "x", "1x", "99999999999999999999"})
        CHECK(get("alice", std::string{"/room_keys/version/"} + unknown).status == 404);
}

TEST_CASE_METHOD(Backup, "only the auth data of a version can change", "[e2e]") {
    const auto path = "/room_keys/version/" + version;
    CHECK(put("alice", path, R"({"algorithm": "m.megolm_backup", "auth_data": {"public_key": "def"}})")
              .status == 200);
    CHECK(json_at(get("alice", path).body, {"auth_data"}) == R"({"public_key":"def"})");

    CHECK(put("alice", path, R"({"algorithm": "other", "auth_data": {}})").errcode() == "M_INVALID_PARAM");
    CHECK(put("alice", path, R"({"algorithm": "m.megolm_backup", "auth_data": {}, "version": "9"})")
              .errcode() == "M_INVALID_PARAM");
    CHECK(put("alice", path, R"({"algorithm": "m.megolm_backup"})").errcode() == "M_MISSING_PARAM");
    CHECK(put("alice", path, R"({"algorithm": "m.megolm_backup", "auth_data": 1})").errcode() ==
          "M_BAD_JSON");
    CHECK(put("alice", "/room_keys/version/99", R"({"algorithm": "m.megolm_backup", "auth_data": {}})")
              .status == 404);
}

TEST_CASE_METHOD(Backup, "of two keys of a session the better one is kept", "[e2e]") {
    CHECK(store(key(5, 2, false, "first")) == State{"1", "1"});
    CHECK(store(key(5, 3, false, "forwarded more")) == State{"1", "1"});
    CHECK(store(key(6, 0, false, "later")) == State{"1", "1"});
    CHECK(store(key(5, 2, false, "the same")) == State{"1", "1"});
    CHECK(stored() == R"("first")");

    CHECK(store(key(5, 1, false, "forwarded less")) == State{"2", "1"});
    CHECK(stored() == R"("forwarded less")");
    CHECK(store(key(4, 9, false, "earlier")) == State{"3", "1"});
    CHECK(stored() == R"("earlier")");
    CHECK(store(key(9, 9, true, "verified")) == State{"4", "1"});
    CHECK(stored() == R"("verified")");
    CHECK(store(key(0, 0, false, "not verified")) == State{"4", "1"});
    CHECK(stored() == R"("verified")");
    CHECK(store(key(0, 0, false, "another session"), "t") == State{"5", "2"});
    CHECK(json_at(get("alice", "/room_keys/version").body, {"count"}) == "2");
}

TEST_CASE_METHOD(Backup, "keys are stored and read by session, by room and all together", "[e2e]") {
    const auto one = key(1, 0, true, "one");
    REQUIRE(put("alice", at(""),
                fmt::format(R"({{"rooms": {{"!r:test": {{"sessions": {{"s": {}, "t": {}}}}},
                                                         "!q:test": {{"sessions": {{"u": {}}}}}}}}})",
                            one, key(2, 0, false, "two"), one))
                .status == 200);
    REQUIRE(put("alice", at("/!q:test"), fmt::format(R"({{"sessions": {{"v": {}}}}})", one)).status == 200);

    const auto all = get("alice", at("")).body;
    CHECK(part(all, {"rooms"})->as_object().size() == 2);
    CHECK(json_at(all, {"rooms", "!r:test", "sessions", "t", "session_data"}) == R"({"data":"two"})");
    const auto room = get("alice", at("/!q:test")).body;
    CHECK(part(room, {"sessions"})->as_object().size() == 2);
    CHECK(get("alice", at("/!q:test/v")).body == proto::parse_json_object(one).value());
    CHECK(proto::to_json(get("alice", at("/!none:test")).body) == R"({"sessions":{}})");
    CHECK(get("alice", at("/!q:test/none")).errcode() == "M_NOT_FOUND");
    CHECK(get("alice", std::string{kKeys} + "?version=99").errcode() == "M_NOT_FOUND");
    CHECK(get("alice", kKeys).errcode() == "M_MISSING_PARAM");
    CHECK(get("bob", at("")).errcode() == "M_NOT_FOUND");
}

TEST_CASE_METHOD(Backup, "keys go into the newest version only", "[e2e]") {
    const auto second = create();

    const auto refused = put("alice", at("/!r:test/s"), key(1, 0, true, "x"));

    CHECK(refused.status == 403);
    CHECK(refused.errcode() == "M_WRONG_ROOM_KEYS_VERSION");
    CHECK(refused.text("current_version") == second);
    CHECK(put("alice", std::string{kKeys} + "?version=99", R"({"rooms": {}})").errcode() == "M_NOT_FOUND");
    CHECK(put("bob", at(""), R"({"rooms": {}})").errcode() == "M_NOT_FOUND");
}

TEST_CASE_METHOD(Backup, "keys are deleted by session, by room and all together", "[e2e]") {
    for (const auto* session : {"s", "t", "u"}) store(key(1, 0, true, session), session);
    REQUIRE(put("alice", at("/!q:test/v"), key(1, 0, true, "v")).status == 200);
    const auto remove = [&](const std::string& tail) {
        const auto answer = call(http::Method::kDelete, "alice", at(tail));
        CHECK(answer.status == 200);
        return State{answer.text("etag"), json_at(answer.body, {"count"})};
    };

    CHECK(remove("/!r:test/s") == State{"5", "3"});
    CHECK(remove("/!r:test/s") == State{"5", "3"});
    CHECK(remove("/!r:test") == State{"6", "1"});
    CHECK(remove("") == State{"7", "0"});
    CHECK(call(http::Method::kDelete, "alice", std::string{kKeys} + "?version=99").errcode() ==
          "M_NOT_FOUND");
}

TEST_CASE_METHOD(Backup, "a deleted version is gone with its keys, and its number is not used again",
                 "[e2e]") {
    store(key(1, 0, true, "x"));
    const auto path = "/room_keys/version/" + version;

    CHECK(call(http::Method::kDelete, "alice", path).status == 200);
    CHECK(call(http::Method::kDelete, "alice", path).status == 200);
    CHECK(call(http::Method::kDelete, "alice", "/room_keys/version/99").errcode() == "M_NOT_FOUND");

    CHECK(get("alice", "/room_keys/version").errcode() == "M_NOT_FOUND");
    CHECK(get("alice", at("")).errcode() == "M_NOT_FOUND");
    CHECK(sql("SELECT count(*) FROM e2e_room_keys").front().front() == "0");
    CHECK(create() != version);
}

TEST_CASE_METHOD(Backup, "what are no backed-up keys is refused", "[e2e]") {
    const auto refused = [&](const std::string& tail, const std::string& body) {
        const auto answer = put("alice", at(tail), body);
        INFO(tail << " " << body);
        CHECK(answer.status == 400);
        return answer.errcode();
    };
    CHECK(refused("", "{}") == "M_MISSING_PARAM");
    CHECK(refused("", R"({"rooms": {"!r:test": 1}})") == "M_BAD_JSON");
    CHECK(refused("/!r:test", R"({"sessions": []})") == "M_BAD_JSON");
    CHECK(refused("/!r:test", R"({"sessions": {"s": 1}})") == "M_BAD_JSON");
    CHECK(refused("/!r:test/s", "{}") == "M_MISSING_PARAM");
    CHECK(refused("/!r:test/s", key(-1, 0, true, "x")) == "M_BAD_JSON");
    for (const auto* member : {"first_message_index", "forwarded_count", "is_verified", "session_data"}) {
        auto body = proto::parse_json_object(key(1, 0, true, "x")).value();
        body[member] = "text";
        CHECK(refused("/!r:test/s", proto::to_json(body)) == "M_BAD_JSON");
    }
    CHECK(refused("", R"({"rooms": {"!r\u0000": {"sessions": {"s": )" + key(1, 0, true, "x") + "}}}}") ==
          "M_INVALID_PARAM");
    CHECK(post("alice", "/room_keys/version", R"({"auth_data": {}})").errcode() == "M_MISSING_PARAM");
}
