// Messages to devices: sent once, delivered until acknowledged.
#include "e2e_fixture.hpp"
#include "weft/handlers/e2e/to_device.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

struct Mail : E2eFixture {
    Mail() {
        add_device("bob", "PHONE");
        add_device("bob", "LAPTOP");
    }
    static std::string to(const std::string& device, int n) {
        return fmt::format(R"({{"messages": {{"@bob:test": {{"{}": {{"n": {}}}}}}}}})", device, n);
    }
    int send(const std::string& txn, const std::string& body, const std::string& type = "m.test") {
        return put("alice", "/sendToDevice/" + type + "/" + txn, body).status;
    }
    static Strings received(const json::object& answer) {
        Strings out;
        for (const auto& event : events(answer, {"to_device"}))
            out.push_back(text_at(event, "type") + " " + json_at(event, {"content", "n"}) + " " +
                          text_at(event, "sender"));
        return out;
    }
};

}  // namespace

TEST_CASE_METHOD(Mail, "a message comes until the next token proves that it arrived", "[e2e]") {
    SyncClient phone{*this, "bob/PHONE"};
    SyncClient laptop{*this, "bob/LAPTOP"};
    phone.sync();
    laptop.sync();

    REQUIRE(send("1", to("PHONE", 1)) == 200);

    const Strings message{"m.test 1 @alice:test"};
    CHECK(received(phone.peek()) == message);
    CHECK(received(phone.sync()) == message);
    CHECK(received(phone.sync()).empty());
    CHECK(received(laptop.sync()).empty());
    CHECK(sql("SELECT count(*) FROM device_inbox").front().front() == "0");
}

TEST_CASE_METHOD(Mail, "a star is every device of the user", "[e2e]") {
    SyncClient phone{*this, "bob/PHONE"};
    SyncClient laptop{*this, "bob/LAPTOP"};

    REQUIRE(send("1", to("*", 7)) == 200);

    const Strings message{"m.test 7 @alice:test"};
    CHECK(received(phone.sync()) == message);
    CHECK(received(laptop.sync()) == message);
}

TEST_CASE_METHOD(Mail, "a repeated transaction sends nothing, after a restart too", "[e2e]") {
    REQUIRE(send("1", to("PHONE", 1)) == 200);
    REQUIRE(send("1", to("PHONE", 1)) == 200);
    restart_master();
    REQUIRE(send("1", to("PHONE", 1)) == 200);
    SyncClient phone{*this, "bob/PHONE"};
    CHECK(received(phone.sync()) == Strings{"m.test 1 @alice:test"});

    // Another type, another device and another user have transactions of their own.
    REQUIRE(send("1", to("PHONE", 2), "m.other") == 200);
    REQUIRE(put("alice/SECOND", "/sendToDevice/m.test/1", to("PHONE", 3)).status == 200);
    REQUIRE(put("carol", "/sendToDevice/m.test/1", to("PHONE", 4)).status == 200);
    CHECK(received(phone.sync()) ==
          Strings{"m.other 2 @alice:test", "m.test 3 @alice:test", "m.test 4 @carol:test"});
}

TEST_CASE_METHOD(Mail, "transactions are forgotten after a day", "[e2e]") {
    REQUIRE(send("1", to("PHONE", 1)) == 200);
    sql(fmt::format("UPDATE to_device_txn SET inserted_ts = inserted_ts - {}",
                    handlers::ToDevice::kTransactionLifetimeMs + 1));
    restart_master();

    REQUIRE(send("2", to("PHONE", 2)) == 200);

    CHECK(sql("SELECT txn_id FROM to_device_txn") == std::vector<std::vector<std::string>>{{"2"}});
}

TEST_CASE_METHOD(Mail, "devices that do not exist get nothing, and bad messages are refused", "[e2e]") {
    CHECK(send("1", to("NONE", 1)) == 200);
    CHECK(send("2", R"({"messages": {"@eve:elsewhere": {"X": {}}}})") == 200);
    CHECK(send("3", R"({"messages": {"@bob:test": {"\u0000": {}}}})") == 200);
    CHECK(sql("SELECT count(*) FROM device_inbox").front().front() == "0");

    const auto refused = [&](const std::string& body) {
        const auto answer = put("alice", "/sendToDevice/m.test/4", body);
        CHECK(answer.status == 400);
        return answer.errcode();
    };
    CHECK(refused("{}") == "M_MISSING_PARAM");
    CHECK(refused(R"({"messages": []})") == "M_BAD_JSON");
    CHECK(refused(R"({"messages": {"bob": {}}})") == "M_INVALID_PARAM");
    CHECK(refused(R"({"messages": {"@bob:test": []}})") == "M_BAD_JSON");
    CHECK(refused(R"({"messages": {"@bob:test": {"PHONE": "text"}}})") == "M_BAD_JSON");
    CHECK(send("4", to("PHONE", 1)) == 200);
    CHECK(sql("SELECT count(*) FROM device_inbox").front().front() == "1");
}
