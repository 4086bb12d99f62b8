// Sending an event reads what stands before it.
#include <catch2/catch.hpp>

#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;

namespace {

/// Alice and Bob in a room, and what Alice's device is told of unread messages.
struct Conversation {
    Conversation() : room{fixture.create_room("alice")} {
        fixture.join("bob", room);
        alice.sync();
    }

    /// Unread messages of the whole room, once they are `count`; an answer of /sync with them in it.
    boost::json::object await_unread(int count) {
        std::optional<boost::json::object> found;
        core::BackgroundTasks tasks{fixture.io.get_executor()};
        tasks.spawn("test_sync", [&]() -> Task<void> {
            while (!found) {
                auto answer = co_await alice.request("timeout=1000");
                alice.since = text_at(answer, "next_batch");
                const auto* const unread =
                    part(answer, {"rooms", "join", room, "unread_notifications", "notification_count"});
                if (unread && *unread == count) found = std::move(answer);
            }
        });
        fixture.run_until([&] { return found.has_value(); });
        fixture.run(tasks.stop());
        return *found;
    }
    std::string say_in_thread(const std::string& token, const std::string& root, const std::string& text) {
        const auto answer = fixture.put(
            token, "/rooms/" + room + "/send/m.room.message/" + std::to_string(++sent),
            R"({"msgtype": "m.text", "body": ")" + text + R"(", "m.relates_to": {"rel_type": "m.thread", "event_id": ")" + root + R"("}})");
        REQUIRE(answer.status == 200);
        return answer.text("event_id");
    }
    std::vector<std::vector<std::string>> receipts_of(const std::string& user_id) {
        return fixture.sql("SELECT receipt_type, event_id, thread_id FROM receipts_linearized WHERE user_id = '" + user_id +
                           "' ORDER BY stream_id");
    }

    HomeserverFixture fixture;
    std::string room;
    SyncClient alice{fixture, "alice"};
    int sent = 0;
};

}  // namespace

TEST_CASE("who sends an event has read what came before it, and nobody else is told", "[implied_receipts]") {
    Conversation talk;
    SyncClient bob{talk.fixture, "bob"};
    bob.sync();
    talk.fixture.say("bob", talk.room, "one");
    talk.fixture.say("bob", talk.room, "two");
    talk.await_unread(2);

    const auto answer = talk.fixture.say("alice", talk.room, "three");

    talk.await_unread(0);
    CHECK(talk.receipts_of("@alice:test") == std::vector<std::vector<std::string>>{{"m.read.private", answer, "main"}});
    CHECK(events(bob.sync(), {"rooms", "join", talk.room, "ephemeral"}).empty());
    talk.fixture.say("bob", talk.room, "four");
    talk.await_unread(1);
}

TEST_CASE("who answers in one thread has not read another", "[implied_receipts]") {
    Conversation talk;
    const auto root = talk.fixture.say("alice", talk.room, "root");
    talk.say_in_thread("bob", root, "in the thread");
    talk.fixture.say("bob", talk.room, "outside");
    talk.await_unread(2);

    talk.fixture.say("alice", talk.room, "also outside");
    talk.await_unread(1);

    const auto inside = talk.say_in_thread("alice", root, "also in the thread");
    talk.await_unread(0);
    CHECK(talk.receipts_of("@alice:test").back() == std::vector<std::string>{"m.read.private", inside, root});
}

TEST_CASE("who had nothing to read leaves no receipt by sending", "[implied_receipts]") {
    Conversation talk;
    talk.fixture.say("alice", talk.room, "to herself");
    talk.fixture.say("bob", talk.room, "an answer");
    talk.await_unread(1);
    const auto answer = talk.fixture.say("alice", talk.room, "another");
    talk.await_unread(0);
    // All that was sent before has been looked at by now.
    CHECK(talk.receipts_of("@alice:test").size() == 1);
    CHECK(talk.receipts_of("@bob:test").size() <= 1);
    CHECK(talk.receipts_of("@alice:test").front().at(1) == answer);
}
