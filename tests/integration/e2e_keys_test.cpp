// Keys of devices: upload, query, claim, and what /sync says about them.
#include <set>

#include "e2e_fixture.hpp"
#include "weft/core/background.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

json::object one_time_keys(int from, int to) {
    json::object keys;
    for (int n = from; n < to; ++n)
        keys[fmt::format("signed_curve25519:{:04}", n)] = json::object{{"key", fmt::format("key{}", n)}};
    return keys;
}

const json::object kFallback{{"signed_curve25519:spare", {{"key", "spare"}, {"fallback", true}}}};

struct Bobs : E2eFixture {
    Bobs() { publish("bob", "PHONE"); }

    Task<Answer> claim_at(TestProcess& process) {
        return request(process, http::Method::kPost, "alice", "/keys/claim",
                       R"({"one_time_keys": {"@bob:test": {"PHONE": "signed_curve25519"}}})");
    }
    /// The name of a key that Alice gets of Bob's phone, or "".
    static std::string claimed_key(const Answer& answer) {
        REQUIRE(answer.status == 200);
        const auto* const keys = part(answer.body, {"one_time_keys", "@bob:test", "PHONE"});
        return keys ? std::string{keys->as_object().begin()->key()} : "";
    }
    std::string claim() { return claimed_key(run(claim_at(*master))); }
};

}  // namespace

TEST_CASE_METHOD(Bobs, "uploaded keys are counted, and a device that has none is told so", "[e2e]") {
    CHECK(json_at(upload("bob/PHONE", {}).body, {"one_time_key_counts"}) == R"({"signed_curve25519":0})");

    auto keys = one_time_keys(0, 3);
    keys["curve25519:x"] = "unsigned";
    const auto answer = upload("bob/PHONE", {{"one_time_keys", keys}});

    CHECK(json_at(answer.body, {"one_time_key_counts"}) == R"({"curve25519":1,"signed_curve25519":3})");
    SyncClient phone{*this, "bob/PHONE"};
    CHECK(json_at(phone.sync(), {"device_one_time_keys_count"}) ==
          R"({"curve25519":1,"signed_curve25519":3})");
}

TEST_CASE_METHOD(Bobs, "a one-time key may be uploaded again, but not replaced", "[e2e]") {
    REQUIRE(upload("bob/PHONE", {{"one_time_keys", one_time_keys(0, 2)}}).status == 200);
    CHECK(upload("bob/PHONE", {{"one_time_keys", one_time_keys(1, 3)}}).status == 200);

    const json::object other{{"signed_curve25519:0001", {{"key", "other"}}},
                             {"signed_curve25519:0009", {{"key", "new"}}}};
    const auto refused = upload("bob/PHONE", {{"one_time_keys", other}, {"fallback_keys", kFallback}});

    CHECK(refused.status == 400);
    CHECK(refused.errcode() == "M_UNKNOWN");
    CHECK(sql("SELECT count(*) FROM e2e_one_time_keys_json").front().front() == "3");
    CHECK(sql("SELECT count(*) FROM e2e_fallback_keys_json").front().front() == "0");
}

TEST_CASE_METHOD(Bobs, "one-time keys are handed out once each, in the order of their upload", "[e2e]") {
    REQUIRE(upload("bob/PHONE", {{"one_time_keys", one_time_keys(5, 7)}}).status == 200);
    run_until([now = master->clock.now_ms(), this] { return master->clock.now_ms() > now; });
    REQUIRE(upload("bob/PHONE", {{"one_time_keys", one_time_keys(0, 1)}}).status == 200);

    CHECK(claim() == "signed_curve25519:0005");
    CHECK(claim() == "signed_curve25519:0006");
    CHECK(claim() == "signed_curve25519:0000");
    CHECK(claim().empty());
    SyncClient phone{*this, "bob/PHONE"};
    CHECK(json_at(phone.sync(), {"device_one_time_keys_count"}) == R"({"signed_curve25519":0})");
}

TEST_CASE_METHOD(Bobs, "of claims at the same time in two processes no two get the same key", "[e2e]") {
    constexpr int kKeys = 40;
    constexpr int kClaims = 60;
    REQUIRE(upload("bob/PHONE", {{"one_time_keys", one_time_keys(0, kKeys)}, {"fallback_keys", kFallback}})
                .status == 200);
    auto& worker = start_worker("worker");
    std::vector<Answer> answers;
    core::BackgroundTasks tasks{io.get_executor()};
    for (int n = 0; n < kClaims; ++n) {
        tasks.spawn("test_claim", [&, n]() -> Task<void> {
            answers.push_back(co_await claim_at(n % 2 == 0 ? *master : worker));
        });
    }
    run_until([&] { return answers.size() == kClaims; });
    run(tasks.stop());

    std::multiset<std::string> names;
    for (const auto& answer : answers) names.insert(claimed_key(answer));
    CHECK(names.count("signed_curve25519:spare") == kClaims - kKeys);
    CHECK(std::set<std::string>(names.begin(), names.end()).size() == kKeys + 1);
    CHECK(sql("SELECT count(*) FROM e2e_one_time_keys_json").front().front() == "0");
}

TEST_CASE_METHOD(Bobs, "a fallback key serves when the others are gone, and its device is told to replace it",
                 "[e2e]") {
    REQUIRE(
        upload("bob/PHONE", {{"one_time_keys", one_time_keys(0, 1)}, {"fallback_keys", kFallback}}).status ==
        200);
    SyncClient phone{*this, "bob/PHONE"};
    CHECK(json_at(phone.sync(), {"device_unused_fallback_key_types"}) == R"(["signed_curve25519"])");

    CHECK(claim() == "signed_curve25519:0000");
    CHECK(json_at(phone.sync(), {"device_unused_fallback_key_types"}) == R"(["signed_curve25519"])");
    CHECK(claim() == "signed_curve25519:spare");
    CHECK(claim() == "signed_curve25519:spare");
    CHECK(json_at(phone.sync(), {"device_unused_fallback_key_types"}) == "[]");

    // The same again is no new key.
    REQUIRE(upload("bob/PHONE", {{"fallback_keys", kFallback}}).status == 200);
    CHECK(json_at(phone.sync(), {"device_unused_fallback_key_types"}) == "[]");
    REQUIRE(upload("bob/PHONE", {{"fallback_keys", {{"signed_curve25519:new", {{"key", "new"}}}}}}).status ==
            200);
    CHECK(json_at(phone.sync(), {"device_unused_fallback_key_types"}) == R"(["signed_curve25519"])");
    CHECK(claim() == "signed_curve25519:new");
}

TEST_CASE_METHOD(Bobs, "a poll ends when the device's keys become fewer, in every process", "[e2e]") {
    REQUIRE(upload("bob/PHONE", {{"one_time_keys", one_time_keys(0, 2)}}).status == 200);
    auto& worker = start_worker("worker");
    SyncClient phone{*this, "bob/PHONE"};
    phone.move_to(worker);
    phone.sync();
    std::optional<json::object> answer;
    core::BackgroundTasks tasks{io.get_executor()};
    tasks.spawn("test_poll", [&]() -> Task<void> { answer = co_await phone.request("timeout=20000"); });
    for (int n = 0; n < 5; ++n) run(core::sleep_for(core::Milliseconds{4}));
    REQUIRE_FALSE(answer);

    CHECK(claim() == "signed_curve25519:0000");
    run_until([&] { return answer.has_value(); });
    run(tasks.stop());

    CHECK(json_at(*answer, {"device_one_time_keys_count"}) == R"({"signed_curve25519":1})");
}

TEST_CASE_METHOD(Bobs, "key counts cost an empty sync no query", "[e2e]") {
    REQUIRE(upload("bob/PHONE", {{"one_time_keys", one_time_keys(0, 2)}}).status == 200);
    SyncClient phone{*this, "bob/PHONE"};
    phone.sync();
    // What the first sync sets off in the background (presence) may take a while to be stored.
    boost::json::object answer;
    bool without_query = false;
    for (int attempt = 0; attempt < 20 && !without_query; ++attempt) {
        const auto before = transactions();
        answer = phone.sync();
        without_query = transactions() == before;
    }
    CHECK(without_query);
    CHECK(json_at(answer, {"device_one_time_keys_count"}) == R"({"signed_curve25519":2})");
}

TEST_CASE_METHOD(Bobs, "a query gives the keys with the device's name", "[e2e]") {
    publish("bob", "LAPTOP");
    add_device("bob", "KEYLESS");

    const auto all = query("alice", R"({"@bob:test": []})");
    CHECK(part(all, {"device_keys", "@bob:test"})->as_object().size() == 2);
    CHECK(json_at(all, {"device_keys", "@bob:test", "PHONE", "unsigned"}) ==
          R"({"device_display_name":"phone"})");
    auto phone = part(all, {"device_keys", "@bob:test", "PHONE"})->as_object();
    phone.erase("unsigned");
    CHECK(phone == device_keys("bob", "PHONE"));

    const auto one = query("alice", R"({"@bob:test": ["LAPTOP", "LAPTOP", "NONE"], "@nobody:test": []})");
    CHECK(part(one, {"device_keys", "@bob:test"})->as_object().size() == 1);
    CHECK(json_at(one, {"device_keys", "@nobody:test"}) == "{}");
}

TEST_CASE_METHOD(Bobs, "users of servers that cannot be asked are failures", "[e2e]") {
    const auto answer = query("alice", R"({"@bob:test": [], "@eve:elsewhere": []})");
    CHECK(part(answer, {"failures", "elsewhere"}));
    CHECK_FALSE(part(answer, {"device_keys", "@eve:elsewhere"}));

    const auto claimed = post("alice", "/keys/claim", R"({"one_time_keys": {"@eve:elsewhere": {"X": "y"}}})");
    CHECK(claimed.status == 200);
    CHECK(part(claimed.body, {"failures", "elsewhere"}));
    CHECK(json_at(claimed.body, {"one_time_keys"}) == "{}");
}

TEST_CASE_METHOD(Bobs, "new device keys are news for those who share a room, and the same again is none",
                 "[e2e]") {
    const auto room_id = create_room("alice");
    join("bob", room_id);
    SyncClient alice{*this, "alice"};
    SyncClient carol{*this, "carol"};
    alice.sync();
    carol.sync();

    publish("bob", "LAPTOP");
    CHECK(json_at(alice.sync(), {"device_lists", "changed"}) == R"(["@bob:test"])");
    CHECK_FALSE(carol.sync().contains("device_lists"));

    REQUIRE(upload("bob/LAPTOP", {{"device_keys", device_keys("bob", "LAPTOP")}}).status == 200);
    REQUIRE(upload("bob/LAPTOP", {{"one_time_keys", one_time_keys(0, 1)}}).status == 200);
    CHECK_FALSE(alice.sync().contains("device_lists"));
    REQUIRE(upload("bob/LAPTOP", {{"device_keys", device_keys("bob", "LAPTOP", "other")}}).status == 200);
    CHECK(json_at(alice.sync(), {"device_lists", "changed"}) == R"(["@bob:test"])");
}

TEST_CASE_METHOD(Bobs, "a device that is gone leaves no keys and uploads none", "[e2e]") {
    REQUIRE(
        upload("bob/PHONE", {{"one_time_keys", one_time_keys(0, 2)}, {"fallback_keys", kFallback}}).status ==
        200);
    SyncClient phone{*this, "bob/PHONE"};
    phone.sync();

    run(master->services.devices.remove("@bob:test", {"PHONE"}));

    CHECK(claim().empty());
    CHECK(json_at(query("alice", R"({"@bob:test": []})"), {"device_keys", "@bob:test"}) == "{}");
    CHECK(json_at(phone.sync(), {"device_one_time_keys_count"}) == R"({"signed_curve25519":0})");
    CHECK(json_at(phone.sync(), {"device_unused_fallback_key_types"}) == "[]");
    CHECK(upload("bob/PHONE", {{"one_time_keys", one_time_keys(0, 1)}}).status == 401);
}

TEST_CASE_METHOD(Bobs, "what are no keys is refused", "[e2e]") {
    const auto refused = [&](const std::string& path, const std::string& body) {
        const auto answer = post("bob/PHONE", path, body);
        INFO(path << " " << body);
        CHECK(answer.status == 400);
        return answer.errcode();
    };
    CHECK(refused("/keys/upload", R"({"device_keys": {"user_id": "@bob:test"}})") == "M_BAD_JSON");
    CHECK(refused("/keys/upload", proto::to_json(json::object{
                                      {"device_keys", device_keys("alice", "PHONE")}})) == "M_BAD_JSON");
    CHECK(refused("/keys/upload", R"({"one_time_keys": {"nocolon": "x"}})") == "M_BAD_JSON");
    CHECK(refused("/keys/upload", R"({"one_time_keys": {"a:b": 1}})") == "M_BAD_JSON");
    CHECK(refused("/keys/upload", R"({"one_time_keys": []})") == "M_BAD_JSON");
    CHECK(refused("/keys/upload", R"({"one_time_keys": {"a:\u0000": "x"}})") == "M_BAD_JSON");
    CHECK(refused("/keys/upload", R"({"fallback_keys": {"a:b": "x", "a:c": "y"}})") == "M_BAD_JSON");
    CHECK(refused("/keys/query", "{}") == "M_MISSING_PARAM");
    CHECK(refused("/keys/query", R"({"device_keys": {"bob": []}})") == "M_INVALID_PARAM");
    CHECK(refused("/keys/query", R"({"device_keys": {"@bob:test": {}}})") == "M_BAD_JSON");
    CHECK(refused("/keys/query", R"({"device_keys": {"@bob:test": ["\u0000"]}})") == "M_INVALID_PARAM");
    CHECK(refused("/keys/query", R"({"device_keys": {}, "timeout": "long"})") == "M_BAD_JSON");
    CHECK(refused("/keys/claim", R"({"one_time_keys": {"@bob:test": {"PHONE": 1}}})") == "M_BAD_JSON");
    CHECK(refused("/keys/claim", R"({"one_time_keys": {"@bob:test": []}})") == "M_BAD_JSON");
}
