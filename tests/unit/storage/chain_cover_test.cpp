#include "state/chain_cover.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace weft::storage;

namespace {

std::map<std::int64_t, std::int64_t> sorted(const ChainPositions& positions) {
    return {positions.begin(), positions.end()};
}
using Positions = std::map<std::int64_t, std::int64_t>;

/// Chain 1: a create event; 2: power levels, each naming it; 3 and 4: members, who name the power levels of
/// their time.
ChainCover small_room() {
    ChainCover cover;
    cover.add_link({2, 1}, {1, 1});
    cover.add_link({3, 1}, {2, 1});
    cover.add_link({3, 4}, {2, 3});
    cover.add_link({4, 1}, {2, 2});
    return cover;
}

}  // namespace

TEST_CASE("what an event builds on are the events before it on its chain and what their links lead to") {
    const auto cover = small_room();
    CHECK(sorted(cover.reached_from({{3, 1}})) == Positions{{1, 1}, {2, 1}, {3, 1}});
    CHECK(sorted(cover.reached_from({{3, 3}})) == Positions{{1, 1}, {2, 1}, {3, 3}});
    CHECK(sorted(cover.reached_from({{3, 5}})) == Positions{{1, 1}, {2, 3}, {3, 5}});
    CHECK(sorted(cover.reached_from({{3, 5}, {4, 1}})) == Positions{{1, 1}, {2, 3}, {3, 5}, {4, 1}});
    CHECK(sorted(cover.reached_from({{9, 7}})) == Positions{{9, 7}});
    CHECK(cover.reached_from({}).empty());
}

TEST_CASE("what builds on an event are the events after it on its chain and whatever links to these") {
    const auto cover = small_room();
    CHECK(sorted(cover.building_on({{2, 2}})) == Positions{{2, 2}, {3, 4}, {4, 1}});
    CHECK(sorted(cover.building_on({{2, 3}})) == Positions{{2, 3}, {3, 4}});
    CHECK(sorted(cover.building_on({{1, 1}})) == Positions{{1, 1}, {2, 1}, {3, 1}, {4, 1}});
}

TEST_CASE("links that lead in a circle end the search") {
    ChainCover cover;
    cover.add_link({1, 2}, {2, 1});
    cover.add_link({2, 1}, {1, 1});
    cover.add_link({1, 1}, {2, 1});
    CHECK(sorted(cover.reached_from({{1, 2}})) == Positions{{1, 2}, {2, 1}});
}

TEST_CASE("states differ in what some reach, but not all, and in nothing that is implied") {
    const auto ranges = chain_difference({{{1, 1}, {2, 5}, {3, 2}}, {{1, 1}, {2, 3}}}, {{3, 1}});
    std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> found;
    for (const auto& range : ranges) found[range.chain] = {range.after, range.upto};
    CHECK(found == std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>>{{2, {3, 5}}, {3, {1, 2}}});
    CHECK(chain_difference({{{1, 4}}, {{1, 4}}}, {}).empty());
    CHECK(chain_difference({{{1, 4}}, {}}, {{1, 9}}).empty());
}
