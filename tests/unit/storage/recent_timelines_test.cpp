#include "events/recent_timelines.hpp"

#include <catch2/catch.hpp>

using namespace weft;
using storage::RecentTimelines;

namespace {

const auto kRoom = proto::RoomId::trusted("!a:test");
const auto kOther = proto::RoomId::trusted("!b:test");

storage::TimelineEntry entry(std::int64_t stream_ordering) {
    return {stream_ordering, proto::EventId::trusted("$" + std::to_string(stream_ordering))};
}

/// The stream orderings in (from, to], or nothing if they are not known.
struct Found {
    std::vector<std::int64_t> entries;
    bool limited = false;
    bool operator==(const Found&) const = default;
};
std::optional<Found> find(RecentTimelines& timelines, std::int64_t from, std::int64_t to, std::size_t limit = 10,
                          const proto::RoomId& room = kRoom) {
    const auto recent = timelines.find(room, from, to, limit);
    if (!recent) return std::nullopt;
    Found out{{}, recent->limited};
    for (const auto& item : recent->entries) out.entries.push_back(item.stream_ordering);
    return out;
}

RecentTimelines with_events(std::size_t rooms_max, std::size_t entries_max, std::vector<std::int64_t> orderings) {
    RecentTimelines out{rooms_max, entries_max};
    out.start_at(10);
    for (const auto ordering : orderings) out.add(kRoom, entry(ordering));
    return out;
}

}  // namespace

TEST_CASE("a recent timeline answers half-open ranges", "[recent_timelines]") {
    auto timelines = with_events(10, 10, {11, 13, 15});

    CHECK(find(timelines, 10, 20) == Found{{11, 13, 15}});
    CHECK(find(timelines, 11, 15) == Found{{13, 15}});
    CHECK(find(timelines, 11, 14) == Found{{13}});
    CHECK(find(timelines, 15, 20) == Found{});
}

TEST_CASE("a recent timeline gives the newest events, and says that there are more", "[recent_timelines]") {
    auto timelines = with_events(10, 10, {11, 13, 15});

    CHECK(find(timelines, 10, 20, 2) == Found{{13, 15}, true});
    CHECK(find(timelines, 10, 20, 3) == Found{{11, 13, 15}, false});
    CHECK(find(timelines, 10, 14, 1) == Found{{13}, true});
}

TEST_CASE("what was before the beginning is not known, unless it does not matter", "[recent_timelines]") {
    auto timelines = with_events(10, 10, {11, 13, 15});

    CHECK_FALSE(find(timelines, 9, 20));
    CHECK_FALSE(find(timelines, 0, 20, 3));
    CHECK(find(timelines, 0, 20, 2) == Found{{13, 15}, true});
    CHECK_FALSE(find(timelines, 0, 12, 1));
}

TEST_CASE("a room of which nothing was told has been quiet", "[recent_timelines]") {
    auto timelines = with_events(10, 10, {11});

    CHECK(find(timelines, 10, 20, 10, kOther) == Found{});
    CHECK_FALSE(find(timelines, 9, 20, 10, kOther));
}

TEST_CASE("a room keeps its newest events", "[recent_timelines]") {
    auto timelines = with_events(10, 2, {11, 13, 15});

    CHECK(find(timelines, 11, 20) == Found{{13, 15}});
    CHECK_FALSE(find(timelines, 10, 20));
}

TEST_CASE("the room that was quiet for longest is forgotten, and not taken for quiet", "[recent_timelines]") {
    auto timelines = with_events(1, 10, {11, 13});
    timelines.add(kOther, entry(14));

    CHECK_FALSE(find(timelines, 12, 20));
    CHECK(find(timelines, 13, 20) == Found{});
    CHECK(find(timelines, 13, 20, 10, kOther) == Found{{14}});
    timelines.add(kRoom, entry(15));
    CHECK_FALSE(find(timelines, 13, 20));
    CHECK(find(timelines, 14, 20) == Found{{15}});
}

TEST_CASE("what is told again is not kept twice", "[recent_timelines]") {
    auto timelines = with_events(10, 10, {11, 13, 11, 13, 9});

    CHECK(find(timelines, 10, 20) == Found{{11, 13}});
}

TEST_CASE("after something that is not understood a room begins anew", "[recent_timelines]") {
    auto timelines = with_events(10, 10, {11, 13});
    timelines.forget_before(kRoom, 14);
    timelines.add(kRoom, entry(15));

    CHECK_FALSE(find(timelines, 13, 20));
    CHECK(find(timelines, 14, 20) == Found{{15}});
}
