// Leases: who may write which room's events, while that changes.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "weft/core/background.hpp"
#include "weft/core/metrics.hpp"
#include "weft/storage/event_lease.hpp"
#include "weft/storage/event_writer_store.hpp"

using namespace weft;
using namespace weft::test;

namespace {

const std::string kOther = "other";

/// A process beside the master that wants to write events too.
struct Rival {
    Rival() {
        for (int i = 0; i < 8; ++i) rooms.push_back(fixture.create_room("alice"));
    }

    storage::EventWriterStore& writers() { return fixture.master->stores.event_writers; }
    storage::EventWriterStore::Joined join() {
        return fixture.run(writers().join({kOther, "somebody", "127.0.0.1 1", {"master", kOther}}));
    }
    /// What the master's own writer makes of a message; empty if it was stored.
    std::string send_to_master(const std::string& room_id) {
        handlers::SendRequest request{proto::EventDraft{.room_id = proto::RoomId::trusted(room_id),
                                                        .sender = proto::UserId::trusted("@alice:test"),
                                                        .type = "m.room.message",
                                                        .state_key = std::nullopt,
                                                        .content = {{"body", "x"}},
                                                        .redacts = std::nullopt}};
        std::vector<handlers::SendRequest> requests{request};
        try {
            fixture.run(fixture.master->services.room_writer->send_all(std::move(requests)));
        } catch (const core::MatrixError& error) {
            return error.errcode;
        }
        return {};
    }
    std::string messages(const std::string& room_id) const {
        return fixture
            .sql(fmt::format("SELECT count(*) FROM events WHERE type = 'm.room.message' AND room_id = '{}'",
                             room_id))
            .at(0)
            .at(0);
    }

    HomeserverFixture fixture;
    std::vector<std::string> rooms;
};

}  // namespace

TEST_CASE("a writer that joins takes its share of the rooms, and gives it back when it leaves",
          "[event_lease]") {
    Rival rival;
    const auto joined = rival.join();
    REQUIRE(joined.shares.shards() == 2);
    int taken = 0;
    for (const auto& room : rival.rooms) {
        CAPTURE(room);
        const bool is_others = joined.shares.owner_of(proto::RoomId::trusted(room))->instance == kOther;
        CHECK(rival.send_to_master(room) == (is_others ? std::string{handlers::kNotTheWriter} : ""));
        CHECK(rival.messages(room) == (is_others ? "0" : "1"));
        taken += is_others ? 1 : 0;
    }
    CHECK(taken > 0);
    CHECK(taken < static_cast<int>(rival.rooms.size()));

    REQUIRE(rival.fixture.run(rival.writers().leave(kOther, "somebody")));
    for (const auto& room : rival.rooms) CHECK(rival.send_to_master(room).empty());
    CHECK_FALSE(rival.fixture.run(rival.writers().leave("master", "nobody")));
}

TEST_CASE("whoever takes a writer's name writes instead of it", "[event_lease]") {
    Rival rival;
    REQUIRE(rival.send_to_master(rival.rooms.front()).empty());
    rival.fixture.run(rival.writers().join({"master", "somebody", "", {"master"}}));
    CHECK(rival.send_to_master(rival.rooms.front()) == handlers::kNotTheWriter);
    CHECK(rival.messages(rival.rooms.front()) == "1");
}

TEST_CASE("who stops before it has joined leaves the rooms of the one that had its name", "[event_lease]") {
    Rival rival;
    rival.join();
    auto& master = *rival.fixture.master;
    const auto owners = [&] { return rival.fixture.run(rival.writers().read()).shards(); };
    storage::EventLease::Options options{kOther, "", {"master", kOther}};
    storage::EventLease successor{rival.fixture.io.get_executor(), rival.writers(), master.streams.events, options};
    REQUIRE(owners() == 2);

    rival.fixture.run(successor.leave());

    CHECK(owners() == 1);
    for (const auto& room : rival.rooms) CHECK(rival.send_to_master(room).empty());
    // Whoever has left does not take rooms any more, nor those of another that has the name now.
    rival.join();
    rival.fixture.run(successor.ensure());
    rival.fixture.run(successor.leave());
    CHECK(owners() == 2);
    CHECK_FALSE(rival.fixture.run(rival.writers().leave(kOther, "nobody")));
    CHECK(rival.fixture.run(rival.writers().leave(kOther, {})));
    rival.fixture.run(successor.stop());
}

TEST_CASE("tokens of a writer that joins are newer than all that was stored before", "[event_lease]") {
    Rival rival;
    const auto newest = [&] {
        return std::stoll(rival.fixture.sql("SELECT max(stream_ordering) FROM events").at(0).at(0));
    };
    const auto joined = rival.join();
    CHECK(joined.token >= newest());
    const auto tokens = rival.fixture.run(rival.writers().next_tokens(3));
    REQUIRE(tokens.size() == 3);
    CHECK(tokens.front() > joined.token);
    CHECK(std::is_sorted(tokens.begin(), tokens.end()));
    // Others that count in memory, as Synapse does, are counted past.
    rival.fixture.sql("SELECT setval('events_stream_seq', 1)");
    CHECK(rival.join().token >= newest());
}

TEST_CASE("one of several writers takes few more tokens than it uses", "[event_lease]") {
    Rival rival;
    const auto joined = rival.join();
    std::string mine;
    for (const auto& room : rival.rooms) {
        if (joined.shares.owner_of(proto::RoomId::trusted(room))->instance != kOther) mine = room;
    }
    REQUIRE(rival.send_to_master(mine).empty());
    const auto last = [&rival] { return std::stoll(rival.fixture.sql("SELECT last_value FROM events_stream_seq")[0][0]); };
    const auto before = last();

    constexpr int kMessages = 30;
    for (int i = 0; i < kMessages; ++i) {
        REQUIRE(rival.send_to_master(mine).empty());
        rival.fixture.run(core::sleep_for(core::Milliseconds{12}));  // until the tokens at hand are old
    }

    CHECK(last() - before <= 2 * kMessages);
}

TEST_CASE("events say who wrote them", "[event_lease]") {
    Rival rival;
    const auto tag = std::to_string(storage::writer_tag("master"));
    CHECK(rival.fixture.sql("SELECT DISTINCT writer_tag FROM events") ==
          std::vector<std::vector<std::string>>{{tag}});
    CHECK(rival.fixture.sql("SELECT DISTINCT writer_tag FROM current_state_delta_stream") ==
          std::vector<std::vector<std::string>>{{tag}});
}

TEST_CASE("a send to a writer that has died goes to the new owner of the room", "[event_lease]") {
    Rival rival;
    auto& server = rival.fixture;
    const auto joined = rival.join();  // nobody listens at its address
    const auto is_others = [&](const std::string& room) {
        return joined.shares.owner_of(proto::RoomId::trusted(room))->instance == kOther;
    };
    const auto room = std::ranges::find_if(rival.rooms, is_others);
    REQUIRE(room != rival.rooms.end());
    const auto attempts =
        core::counter("weft_replication_rpc_requests_total", "Calls to other processes, attempts counted",
                      {{"name", "weft_send_events"}, {"instance", kOther}});
    const auto attempts_before = attempts.value();
    std::optional<HomeserverFixture::Answer> answer;
    core::BackgroundTasks tasks{server.io.get_executor()};
    tasks.spawn("test_send", [&]() -> Task<void> {
        answer = co_await server.request(*server.master, http::Method::kPut, "alice",
                                         "/rooms/" + *room + "/send/m.room.message/x", R"({"body": "x"})");
    });
    server.run_until([&] { return attempts.value() >= attempts_before + 2; });
    CHECK_FALSE(answer);

    REQUIRE(server.run(rival.writers().leave(kOther, "somebody")));

    server.run_until([&] { return answer.has_value(); });
    server.run(tasks.stop());
    CHECK(answer->status == 200);
    CHECK(rival.messages(*room) == "1");
}
