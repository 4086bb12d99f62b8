// Dehydrated devices (MSC3814): keys that wait on the server for room keys.
#include "e2e_fixture.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

const std::string kPath = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";

struct Dehydrated : E2eFixture {
    Dehydrated() { add_device("bob", "PHONE"); }

    static json::object wanted(const std::string& device) {
        auto keys = device_keys("bob", device);
        keys["dehydrated"] = true;
        return {{"device_id", device},
                {"initial_device_display_name", "Dehydrated device"},
                {"device_data",
                 {{"algorithm", "org.matrix.msc3814.v1.olm"}, {"device_pickle", "pickle of " + device}}},
                {"device_keys", std::move(keys)},
                {"one_time_keys", {{"signed_curve25519:AAA", {{"key", "one"}}}}},
                {"fallback_keys", {{"signed_curve25519:BBB", {{"key", "last"}, {"fallback", true}}}}}};
    }
    Answer put_device(const json::object& body) { return put("bob", kPath, proto::to_json(body)); }
    Answer messages(TestProcess& process, const std::string& device, const std::string& body) {
        return run(request(process, http::Method::kPost, "bob", kPath + "/" + device + "/events", body));
    }
    void send(const std::string& txn, int count, const std::string& device) {
        for (int n = 0; n < count; ++n) {
            const auto body =
                fmt::format(R"({{"messages": {{"@bob:test": {{"{}": {{"n": {}}}}}}}}})", device, n);
            REQUIRE(put("alice", fmt::format("/sendToDevice/m.test/{}{}", txn, n), body).status == 200);
        }
    }
    std::string claimed() {
        const auto answer =
            post("alice", "/keys/claim", R"({"one_time_keys": {"@bob:test": {"DRY": "signed_curve25519"}}})");
        return json_at(answer.body, {"one_time_keys", "@bob:test", "DRY"});
    }
    Strings device_ids() {
        Strings out;
        const auto answer = get("bob", "/devices");
        for (const auto& device : answer.body.at("devices").as_array())
            out.push_back(text_at(device.as_object(), "device_id"));
        return out;
    }
};

}  // namespace

TEST_CASE_METHOD(Dehydrated, "a dehydrated device has keys that others find and claim", "[e2e]") {
    CHECK(get("bob", kPath).errcode() == "M_NOT_FOUND");

    const auto made = put_device(wanted("DRY"));

    CHECK(made.status == 200);
    CHECK(made.text("device_id") == "DRY");
    const auto found = get("bob", kPath).body;
    CHECK(text_at(found, "device_id") == "DRY");
    CHECK(json_at(found, {"device_data", "device_pickle"}) == "\"pickle of DRY\"");
    const auto keys = query("alice", R"({"@bob:test": []})");
    CHECK(json_at(keys, {"device_keys", "@bob:test", "DRY", "dehydrated"}) == "true");
    CHECK(claimed() == R"({"signed_curve25519:AAA":{"key":"one"}})");
    CHECK(claimed() == R"({"signed_curve25519:BBB":{"fallback":true,"key":"last"}})");
    CHECK(get("alice", kPath).status == 404);
}

TEST_CASE_METHOD(Dehydrated, "messages for a dehydrated device are read in batches, again and again",
                 "[e2e]") {
    auto& reader = start_worker("reader");
    REQUIRE(put_device(wanted("DRY")).status == 200);
    send("t", 102, "DRY");

    const auto first = messages(*master, "DRY", "{}");
    const auto second = messages(*master, "DRY", R"({"next_batch": ")" + first.text("next_batch") + "\"}");
    const auto last = messages(*master, "DRY", R"({"next_batch": ")" + second.text("next_batch") + "\"}");

    CHECK(first.body.at("events").as_array().size() == 100);
    CHECK(proto::to_json(first.body.at("events").as_array().front()) ==
          R"({"sender":"@alice:test","type":"m.test","content":{"n":0}})");
    CHECK(second.body.at("events").as_array().size() == 2);
    CHECK(last.body.at("events").as_array().empty());
    CHECK_FALSE(last.text("next_batch").empty());
    run_until([&] { return messages(reader, "DRY", {}).body.at("events").as_array().size() == 100; });

    CHECK(messages(*master, "PHONE", "{}").errcode() == "M_FORBIDDEN");
    CHECK(messages(*master, "DRY", R"({"next_batch": "s1"})").errcode() == "M_INVALID_PARAM");
    CHECK(messages(*master, "DRY", R"({"next_batch": 1})").errcode() == "M_BAD_JSON");
}

TEST_CASE_METHOD(Dehydrated, "another dehydrated device takes the place of the first, and its messages go",
                 "[e2e]") {
    REQUIRE(put_device(wanted("DRY")).status == 200);
    send("t", 1, "DRY");

    REQUIRE(put_device(wanted("NEXT")).status == 200);

    CHECK(device_ids() == Strings{"NEXT", "PHONE"});
    CHECK(get("bob", kPath).text("device_id") == "NEXT");
    CHECK(sql("SELECT count(*) FROM device_inbox").front().front() == "0");
    CHECK(messages(*master, "DRY", "{}").errcode() == "M_FORBIDDEN");

    const auto gone = call(http::Method::kDelete, "bob", kPath);
    CHECK(gone.text("device_id") == "NEXT");
    CHECK(device_ids() == Strings{"PHONE"});
    CHECK(call(http::Method::kDelete, "bob", kPath).errcode() == "M_NOT_FOUND");
}

TEST_CASE_METHOD(Dehydrated, "a dehydrated device that is refused leaves nothing behind", "[e2e]") {
    REQUIRE(put_device(wanted("DRY")).status == 200);
    const auto refused = [&](json::object body) {
        const auto answer = put_device(body);
        CHECK(answer.status == 400);
        CHECK(get("bob", kPath).text("device_id") == "DRY");
        CHECK(device_ids() == Strings{"DRY", "PHONE"});
        return answer.errcode();
    };

    CHECK(refused(wanted("PHONE")) == "M_INVALID_PARAM");
    for (const auto* part : {"device_id", "device_data", "device_keys"}) {
        auto body = wanted("NEXT");
        body.erase(part);
        CHECK(refused(std::move(body)) == "M_MISSING_PARAM");
    }
    auto body = wanted("NEXT");
    body["device_keys"] = device_keys("bob", "OTHER");
    CHECK(refused(body) == "M_BAD_JSON");
    body["device_keys"] = nullptr;
    CHECK(refused(body) == "M_BAD_JSON");
    body = wanted("NEXT");
    body["device_data"] = "text";
    CHECK(refused(std::move(body)) == "M_BAD_JSON");
}
