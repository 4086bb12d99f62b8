#include <catch2/catch.hpp>

#include <stdexcept>

#include <boost/json.hpp>

#include "weft/storage/stream_state.hpp"

using weft::storage::StreamRows;
using weft::storage::StreamState;
namespace json = boost::json;

namespace {

/// Writes down what a stream tells, in order: "invalidate 5 a", "position master 5", "notify 5 a", "publish 5
/// a".
class Recorder {
public:
    explicit Recorder(StreamState& stream) {
        stream.on_invalidate([this, &stream](std::int64_t token, const StreamRows& rows) {
            add("invalidate", token, rows);
            position_at_invalidation = stream.current();
        });
        stream.on_notify([this](std::int64_t token, const StreamRows& rows) { add("notify", token, rows); });
        stream.on_advanced([this](const std::string& instance, std::int64_t token) {
            log.push_back("position " + instance + " " + std::to_string(token));
        });
        stream.set_publisher(
            [this](std::int64_t token, const StreamRows& rows) { add("publish", token, rows); });
    }

    std::vector<std::string> published() const {
        std::vector<std::string> lines;
        for (const auto& line : log) {
            if (line.starts_with("publish")) lines.push_back(line);
        }
        return lines;
    }

    std::vector<std::string> log;
    std::int64_t position_at_invalidation = -1;

private:
    void add(const std::string& what, std::int64_t token, const StreamRows& rows) {
        auto line = what + " " + std::to_string(token);
        for (const auto& row : rows) line += " " + std::string{row.as_string()};
        log.push_back(std::move(line));
    }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a published row invalidates, then moves the position, then notifies, then goes out") {
    StreamState stream{"receipts", "master", {"master"}};
    stream.seed(5);
    Recorder seen{stream};

    auto id = stream.allocate();
    stream.publish(std::move(id), {{6, json::value("a")}});

    CHECK(seen.log == Lines{"invalidate 6 a", "position master 6", "notify 6 a", "publish 6 a"});
    CHECK(seen.position_at_invalidation == 5);
    CHECK(stream.current() == 6);
    CHECK(stream.position("master") == 6);
}

TEST_CASE("rows whose transaction ended early wait for lower tokens and go out in token order") {
    StreamState stream{"receipts", "master", {"master"}};
    stream.seed(1);
    Recorder seen{stream};
    auto two = stream.allocate();
    auto three = stream.allocate();

    stream.publish(std::move(three), {{3, json::value("b")}});
    CHECK(seen.log.empty());
    CHECK(stream.current() == 1);
    stream.publish(std::move(two), {{2, json::value("a")}});

    CHECK(seen.published() == Lines{"publish 2 a", "publish 3 b"});
    CHECK(stream.current() == 3);
}

TEST_CASE("a transaction that fails lets go of the rows that waited for it") {
    StreamState stream{"receipts", "master", {"master"}};
    stream.seed(1);
    Recorder seen{stream};
    {
        const auto two = stream.allocate();
        auto three = stream.allocate();
        stream.publish(std::move(three), {{3, json::value("b")}});
        CHECK(seen.published().empty());
    }
    CHECK(seen.published() == Lines{"publish 3 b"});
}

TEST_CASE("a transaction that stored nothing moves nothing") {
    StreamState stream{"receipts", "master", {"master"}};
    stream.seed(1);
    Recorder seen{stream};

    stream.publish(stream.allocate(), {});

    CHECK(seen.log.empty());
    CHECK(stream.current() == 1);
}

TEST_CASE("several rows of one token are delivered together, several tokens one after the other") {
    StreamState stream{"to_device", "master", {"master"}};
    stream.seed(1);
    Recorder seen{stream};

    auto ids = stream.allocate(2);
    stream.publish(std::move(ids), {{2, json::value("a")}, {2, json::value("b")}, {3, json::value("c")}});

    CHECK(seen.published() == Lines{"publish 2 a b", "publish 3 c"});
}

TEST_CASE("what a listener publishes comes after the rows that are being delivered") {
    StreamState stream{"presence", "master", {"master"}};
    stream.seed(1);
    stream.on_notify([&stream](std::int64_t token, const StreamRows&) {
        if (token == 2) stream.publish(stream.allocate(), {{3, json::value("second")}});
    });
    Recorder seen{stream};

    stream.publish(stream.allocate(), {{2, json::value("first")}});

    CHECK(seen.published() == Lines{"publish 2 first", "publish 3 second"});
}

TEST_CASE("an exception of one listener reaches neither the others nor the publisher's caller") {
    StreamState stream{"receipts", "master", {"master"}};
    stream.seed(1);
    stream.on_invalidate([](std::int64_t, const StreamRows&) { throw std::runtime_error{"broken cache"}; });
    stream.on_notify([](std::int64_t, const StreamRows&) { throw std::runtime_error{"broken listener"}; });
    Recorder seen{stream};

    CHECK_NOTHROW(stream.publish(stream.allocate(), {{2, json::value("a")}}));

    CHECK(seen.log == Lines{"invalidate 2 a", "position master 2", "notify 2 a", "publish 2 a"});
}

TEST_CASE("a reader applies rows from elsewhere by the same door, and publishes nothing") {
    StreamState stream{"receipts", "worker1", {"master"}};
    stream.seed(5);
    Recorder seen{stream};

    stream.apply("master", 7, {json::value("a")});

    CHECK(seen.log == Lines{"invalidate 7 a", "position master 7", "notify 7 a"});
    CHECK_FALSE(stream.is_writer());
    CHECK_THROWS_AS(stream.allocate(), std::logic_error);
}

TEST_CASE("an old token is applied but does not move the position back") {
    StreamState stream{"caches", "worker1", {}};
    stream.seed({{"master", 9}});
    Recorder seen{stream};

    stream.apply("master", 7, {json::value("a")});
    stream.advance("master", 8);

    CHECK(seen.log == Lines{"invalidate 7 a", "notify 7 a"});
    CHECK(stream.position("master") == 9);
}

TEST_CASE("advance moves the position without rows") {
    StreamState stream{"receipts", "worker1", {"master"}};
    stream.seed(5);
    Recorder seen{stream};

    stream.advance("master", 8);

    CHECK(seen.log == Lines{"position master 8"});
}

TEST_CASE("with several writers each has a position, and an unknown one has none") {
    StreamState stream{"events", "worker1", {"persister1", "persister2"}};
    stream.seed({{"persister1", 10}, {"persister2", 14}});

    stream.apply("persister1", 12, {});

    CHECK(stream.position("persister1") == 12);
    CHECK(stream.position("persister2") == 14);
    CHECK(stream.position("persister3") == 0);
    CHECK(stream.current() == 14);
}

TEST_CASE("a writer that starts again may count from below") {
    StreamState stream{"typing", "worker1", {"master"}};
    stream.seed(50);
    Recorder seen{stream};

    stream.rewind("master", 3);

    CHECK(stream.current() == 3);
    CHECK(stream.changes().floor() == 3);
    CHECK(seen.log == Lines{"position master 3"});
}

TEST_CASE("backfill hands out falling orderings while its tokens grow") {
    StreamState stream{"backfill", "master", {"master"}};
    stream.seed(4, -1);
    Recorder seen{stream};

    auto ids = stream.allocate(2);
    CHECK(ids.ids() == std::vector<std::int64_t>{-5, -6});
    stream.publish(std::move(ids), {{-5, json::value("a")}, {-6, json::value("b")}});

    CHECK(seen.published() == Lines{"publish 5 a", "publish 6 b"});
    CHECK(stream.current() == 6);
}

TEST_CASE("rows announced with a token of their own go out at once") {
    StreamState stream{"caches", "worker1", {"worker1"}};
    stream.seed({{"master", 30}});
    Recorder seen{stream};

    stream.announce(31, {json::value("a")});

    CHECK(seen.log == Lines{"invalidate 31 a", "position worker1 31", "notify 31 a", "publish 31 a"});
}

TEST_CASE("an observer is told of every row and of who wrote it, after everybody else") {
    StreamState stream{"receipts", "master", {"master", "other"}};
    stream.seed(5);
    Recorder seen{stream};
    stream.set_observer([&](const std::string& instance, std::int64_t token, const StreamRows& rows) {
        seen.log.push_back("observe " + instance + " " + std::to_string(token) + " " +
                           std::string{rows.front().as_string()});
    });

    auto id = stream.allocate();
    stream.publish(std::move(id), {{6, json::value("a")}});
    stream.apply("other", 7, {json::value("b")});

    CHECK(seen.log == Lines{"invalidate 6 a", "position master 6", "notify 6 a", "observe master 6 a", "publish 6 a",
                            "invalidate 7 b", "position other 7", "notify 7 b", "observe other 7 b"});
}

TEST_CASE("the change cache begins where the stream was at start-up") {
    StreamState stream{"receipts", "master", {"master"}};

    stream.seed(17);

    CHECK(stream.changes().floor() == 17);
    CHECK_FALSE(stream.changes().has_changed("!room:test", 17));
}

TEST_CASE("streams that share their IDs never hand out one twice and go out in one order") {
    StreamState data{"account_data", "master", {"master"}};
    StreamState tags{"tag_account_data", "master", {"master"}};
    tags.share_ids_with(data);
    data.seed(3);
    tags.seed(7);
    Recorder seen_data{data};
    Recorder seen_tags{tags};

    auto for_data = data.allocate();
    auto for_tags = tags.allocate();
    CHECK(for_data.first() == 8);
    CHECK(for_tags.first() == 9);

    tags.publish(std::move(for_tags), {{9, json::value("tag")}});
    CHECK(seen_tags.published().empty());
    CHECK(data.shared_current() == 7);
    data.publish(std::move(for_data), {{8, json::value("data")}});

    // The one that moved without a row of its own says how far it moved.
    CHECK(seen_data.published() == Lines{"publish 8 data", "publish 9"});
    CHECK(seen_tags.published() == Lines{"publish 9 tag"});
    CHECK(data.current() == 9);
    CHECK(tags.current() == 9);
    CHECK(tags.shared_current() == 9);
}

TEST_CASE("a reader's shared position follows either stream while both are up to date") {
    StreamState data{"account_data", "worker1", {"master"}};
    StreamState tags{"tag_account_data", "worker1", {"master"}};
    tags.share_ids_with(data);
    data.seed(7);
    tags.seed(7);

    data.apply("master", 8, {});

    CHECK(data.shared_current() == 8);
    CHECK(tags.shared_current() == 8);
    CHECK(tags.current() == 7);
}

TEST_CASE("a stream that is behind holds the shared position back until it has caught up") {
    StreamState data{"account_data", "worker1", {"master"}};
    StreamState tags{"tag_account_data", "worker1", {"master"}};
    tags.share_ids_with(data);
    data.seed(7);
    tags.seed(7);

    data.set_behind(true);
    tags.set_behind(true);
    data.apply("master", 12, {});
    data.set_behind(false);
    CHECK(data.shared_current() == 7);

    tags.advance("master", 12);
    tags.set_behind(false);
    CHECK(data.shared_current() == 12);
}

TEST_CASE("a stream that seldom has rows does not pull the shared position back when the connection is lost") {
    StreamState data{"account_data", "worker1", {"master"}};
    StreamState tags{"tag_account_data", "worker1", {"master"}};
    tags.share_ids_with(data);
    data.seed(7);
    tags.seed(7);
    data.apply("master", 20, {});
    REQUIRE(data.shared_current() == 20);

    tags.set_behind(true);
    data.set_behind(true);
    CHECK(data.shared_current() == 20);

    data.advance("master", 25);
    data.set_behind(false);
    CHECK(data.shared_current() == 20);
    tags.advance("master", 25);
    tags.set_behind(false);
    CHECK(data.shared_current() == 25);
}

TEST_CASE("nobody is told of a row before the shared position has reached it") {
    StreamState data{"account_data", "worker1", {"master"}};
    StreamState tags{"tag_account_data", "worker1", {"master"}};
    tags.share_ids_with(data);
    data.seed(7);
    tags.seed(7);
    std::vector<std::int64_t> told;
    data.on_notify([&](std::int64_t token, const StreamRows&) {
        CHECK(data.shared_current() >= token);
        told.push_back(token);
    });

    tags.set_behind(true);
    data.apply("master", 8, {json::value("first")});
    data.apply("master", 10, {json::value("second")});
    CHECK(told.empty());
    CHECK(data.current() == 10);

    tags.apply("master", 9, {json::value("tag")});
    CHECK(told == std::vector<std::int64_t>{8});
    tags.set_behind(false);
    CHECK(told == std::vector<std::int64_t>{8, 10});
    data.apply("master", 11, {json::value("third")});
    CHECK(told == std::vector<std::int64_t>{8, 10, 11});
}

TEST_CASE("streams cannot be joined once they count") {
    StreamState data{"account_data", "master", {"master"}};
    StreamState tags{"tag_account_data", "master", {"master"}};
    data.seed(1);

    CHECK_THROWS_AS(tags.share_ids_with(data), std::logic_error);
}

TEST_CASE("an allocation that outlives its stream is harmless") {
    auto stream = std::make_unique<StreamState>("receipts", "master", std::vector<std::string>{"master"});
    stream->seed(1);
    auto id = std::make_unique<weft::storage::StreamIdGenerator::Allocation>(stream->allocate());

    stream.reset();

    CHECK_NOTHROW(id.reset());
}
