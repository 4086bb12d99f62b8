#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

#include "run_task.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/metrics.hpp"
#include "weft/handlers/federation/federation_queue.hpp"

using namespace weft;
using handlers::FederationQueue;
using proto::replication::FederationEdu;
using proto::replication::FederationItem;
using proto::replication::FederationKeyedEdu;
using proto::replication::FederationPresence;
using proto::replication::FederationPresenceTo;
using proto::replication::FederationRow;
using Lines = std::vector<std::string>;

namespace {

std::string describe(const boost::json::value& row) {
    const auto item = proto::replication::parse_federation_item(*FederationRow::parse(row));
    REQUIRE(item.has_value());
    if (const auto* presence = std::get_if<FederationPresence>(&*item))
        return "p " + presence->state.user_id + " " + presence->state.state;
    if (const auto* to = std::get_if<FederationPresenceTo>(&*item))
        return "pd " + to->state.user_id + " " + to->hosts.front();
    if (const auto* keyed = std::get_if<FederationKeyedEdu>(&*item))
        return "k " + keyed->edu.destination + " " + keyed->edu.edu_type;
    const auto& edu = std::get<FederationEdu>(*item);
    return "e " + edu.destination + " " + edu.edu_type;
}

/// The queue of a master, and what it has announced.
struct Fixture {
    explicit Fixture(FederationQueue::Limits limits = {})
        : queue{io.get_executor(), clock, seeded(stream), limits} {
        stream.set_publisher([this](std::int64_t token, const storage::StreamRows& rows) {
            for (const auto& row : rows) announced.push_back(std::to_string(token) + " " + describe(row));
        });
    }
    ~Fixture() { test::run(io, queue.stop()); }

    static storage::StreamState& seeded(storage::StreamState& stream) {
        stream.seed(0);
        return stream;
    }
    Lines read(std::int64_t from, std::int64_t to, std::size_t limit = 100) const {
        Lines out;
        for (const auto& [token, row] : queue.updates(from, to, limit).rows)
            out.push_back(std::to_string(token) + " " + describe(row));
        return out;
    }
    Lines all() const { return read(0, stream.current()); }

    asio::io_context io;
    core::ManualClock clock;
    storage::StreamState stream{"federation", "master", {"master"}};
    FederationQueue queue;
    Lines announced;
};

storage::PresenceState presence(std::string user, std::string state) {
    return {std::move(user), std::move(state), 1, 2, 3, std::nullopt, false};
}

FederationEdu edu(std::string type, std::string host = "two.example") {
    return {std::move(type), {}, "one.example", std::move(host)};
}

}  // namespace

TEST_CASE("what is queued is announced at once and kept for who comes later", "[federation]") {
    Fixture fixture;
    CHECK(fixture.stream.current() == 0);

    fixture.queue.send_presence({presence("@a:one", "online"), presence("@b:one", "offline")});
    fixture.queue.send_presence_to(presence("@a:one", "online"), {"three.example"});
    fixture.queue.send_keyed_edu({{"!r:one", "@a:one"}, edu("m.typing")});
    fixture.queue.send_edu(edu("m.receipt"));
    fixture.queue.send_presence({});

    const Lines expected{"1 p @a:one online", "1 p @b:one offline", "2 pd @a:one three.example",
                         "3 k two.example m.typing", "4 e two.example m.receipt"};
    CHECK(fixture.announced == expected);
    CHECK(fixture.all() == expected);
    CHECK(fixture.queue.rows() == 5);
}

TEST_CASE("presence and keyed messages take the place of older ones, others do not", "[federation]") {
    Fixture fixture;
    fixture.queue.send_presence({presence("@a:one", "online"), presence("@b:one", "online")});
    fixture.queue.send_keyed_edu({{"!r:one", "@a:one"}, edu("typing")});
    fixture.queue.send_keyed_edu({{"!r:one", "@a:one"}, edu("elsewhere", "three.example")});
    fixture.queue.send_keyed_edu({{"!r:one", "@b:one"}, edu("somebody else")});
    fixture.queue.send_edu(edu("first"));

    fixture.queue.send_presence({presence("@a:one", "offline")});
    fixture.queue.send_keyed_edu({{"!r:one", "@a:one"}, edu("not typing")});
    fixture.queue.send_edu(edu("first"));

    CHECK(fixture.all() == Lines{"1 p @b:one online", "3 k three.example elsewhere",
                                 "4 k two.example somebody else", "5 e two.example first",
                                 "6 p @a:one offline", "7 k two.example not typing",
                                 "8 e two.example first"});
}

TEST_CASE("how many rows wait, by kind, is told under Synapse's names", "[federation]") {
    const auto size = [](const std::string& what) {
        return core::gauge("synapse_federation_send_queue_" + what + "_size", "").value();
    };
    const std::vector<std::string> kinds{"presence_changed", "presence_destinations", "keyed_edu", "edus"};
    std::map<std::string, double> before;
    for (const auto& kind : kinds) before[kind] = size(kind);
    const auto added = [&] {
        std::vector<double> out;
        for (const auto& kind : kinds) out.push_back(size(kind) - before[kind]);
        return out;
    };
    Fixture fixture;
    fixture.queue.send_presence({presence("@a:one", "online"), presence("@b:one", "online")});
    fixture.queue.send_presence_to(presence("@a:one", "online"), {"three.example"});
    fixture.queue.send_keyed_edu({{"!r:one", "@a:one"}, edu("typing")});
    fixture.queue.send_keyed_edu({{"!r:one", "@a:one"}, edu("not typing")});
    fixture.queue.send_edu(edu("first"));
    CHECK(added() == std::vector<double>{2, 1, 1, 1});
    CHECK(size("pos_time") == 4);

    fixture.queue.acknowledge(std::nullopt, 2);
    CHECK(added() == std::vector<double>{0, 1, 1, 1});
    fixture.queue.acknowledge(std::nullopt, fixture.stream.current());
    CHECK(added() == std::vector<double>{0, 0, 0, 1});
    CHECK(size("pos_time") == 1);
}

TEST_CASE("keys whose parts look alike when joined stay apart", "[federation]") {
    Fixture fixture;
    fixture.queue.send_keyed_edu({{"a", "b"}, edu("one")});
    fixture.queue.send_keyed_edu({{"a/1:b"}, edu("two")});
    fixture.queue.send_keyed_edu({{"ab"}, edu("three")});

    CHECK(fixture.queue.rows() == 3);
}

TEST_CASE("an acknowledgement drops what lies before its token", "[federation]") {
    Fixture fixture;
    for (int i = 0; i < 4; ++i) fixture.queue.send_edu(edu(std::to_string(i)));

    fixture.queue.acknowledge(std::nullopt, 3);
    CHECK(fixture.all() == Lines{"3 e two.example 2", "4 e two.example 3"});
    fixture.queue.acknowledge(std::nullopt, 1);
    CHECK(fixture.queue.rows() == 2);
    fixture.queue.acknowledge(std::nullopt, 4);
    CHECK(fixture.all() == Lines{"4 e two.example 3"});
    fixture.queue.acknowledge(std::nullopt, 500);
    CHECK(fixture.queue.rows() == 1);
}

TEST_CASE("with two senders the one that is behind keeps its rows", "[federation]") {
    Fixture fixture;
    for (int i = 0; i < 4; ++i) fixture.queue.send_edu(edu(std::to_string(i)));
    fixture.queue.acknowledge("sender2", 2);

    fixture.queue.acknowledge("sender1", 4);
    CHECK(fixture.all().front() == "2 e two.example 1");
    fixture.queue.acknowledge("sender2", 3);
    CHECK(fixture.all().front() == "3 e two.example 2");
}

TEST_CASE("what nobody fetches goes after five minutes", "[federation]") {
    Fixture fixture;
    fixture.queue.send_presence({presence("@a:one", "online")});
    fixture.clock.advance(core::Milliseconds{200'000});
    fixture.queue.send_edu(edu("later"));
    fixture.clock.advance(core::Milliseconds{100'001});

    fixture.queue.expire();

    CHECK(fixture.all() == Lines{"2 e two.example later"});
    fixture.queue.send_presence({presence("@a:one", "offline")});
    CHECK(fixture.all() == Lines{"2 e two.example later", "3 p @a:one offline"});
    fixture.clock.advance(core::Milliseconds{300'001});
    fixture.queue.expire();
    CHECK(fixture.queue.rows() == 0);
}

TEST_CASE("a queue that is full gives up its oldest rows", "[federation]") {
    Fixture fixture{{.kept_ms = 300'000, .rows_max = 3}};
    fixture.queue.send_presence({presence("@a:one", "online"), presence("@b:one", "online")});
    fixture.queue.send_edu(edu("a"));
    fixture.queue.send_edu(edu("b"));

    CHECK(fixture.all() == Lines{"2 e two.example a", "3 e two.example b"});
    fixture.queue.send_presence({presence("@a:one", "offline")});
    CHECK(fixture.queue.rows() == 3);
}

TEST_CASE("catch-up is paged, and rows of one token stay together", "[federation]") {
    Fixture fixture;
    fixture.queue.send_edu(edu("a"));
    fixture.queue.send_presence(
        {presence("@a:one", "online"), presence("@b:one", "online"), presence("@c:one", "online")});
    fixture.queue.send_edu(edu("b"));

    const auto first = fixture.queue.updates(0, 3, 2);
    CHECK(first.rows.size() == 4);
    CHECK(first.limited);
    CHECK(first.upto == 2);
    const auto rest = fixture.queue.updates(first.upto, 3, 2);
    CHECK(rest.rows.size() == 1);
    CHECK_FALSE(rest.limited);
    CHECK(rest.upto == 3);
    CHECK(fixture.read(1, 2).size() == 3);
}

TEST_CASE("a sender that knows tokens of before our start gets everything", "[federation]") {
    Fixture fixture;
    fixture.queue.send_edu(edu("a"));

    CHECK(fixture.read(149, 1) == Lines{"1 e two.example a"});
    CHECK(fixture.read(1, 1).empty());
}
