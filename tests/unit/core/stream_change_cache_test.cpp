#include <algorithm>
#include <map>

#include <catch2/catch.hpp>

#include "weft/core/stream_change_cache.hpp"

using namespace weft;
using core::StreamChangeCache;

namespace {

std::vector<std::string> sorted(std::optional<std::vector<std::string>> entities) {
    REQUIRE(entities);
    std::sort(entities->begin(), entities->end());
    return *entities;
}

using Entities = std::vector<std::string>;

}  // namespace

TEST_CASE("a change is news for tokens before it only") {
    StreamChangeCache cache{10};
    cache.entity_changed("a", 15);
    CHECK(cache.has_changed("a", 14));
    CHECK_FALSE(cache.has_changed("a", 15));
    CHECK_FALSE(cache.has_changed("a", 20));
    CHECK_FALSE(cache.has_changed("b", 10));
    CHECK(cache.last_change("a") == 15);
    CHECK_FALSE(cache.last_change("b"));
}

TEST_CASE("before its floor a cache of changes knows nothing and says perhaps") {
    StreamChangeCache cache{10};
    CHECK(cache.has_changed("a", 9));
    CHECK_FALSE(cache.has_changed("a", 10));
    CHECK(cache.has_any_changed(9));
    CHECK_FALSE(cache.has_any_changed(10));
    CHECK_FALSE(cache.changed_after(9));
    CHECK(sorted(cache.changed_after(10)).empty());
}

TEST_CASE("only the latest change of an entity counts, in whatever order they come") {
    StreamChangeCache cache{0};
    cache.entity_changed("a", 5);
    cache.entity_changed("a", 8);
    cache.entity_changed("a", 6);
    CHECK(cache.last_change("a") == 8);
    CHECK(cache.size() == 1);
    CHECK(sorted(cache.changed_after(5)) == Entities{"a"});
    CHECK(sorted(cache.changed_after(8)).empty());
    cache.entity_changed("b", 0);  // not after the floor: nobody can ask for it
    CHECK(cache.size() == 1);
}

TEST_CASE("all changes after a token are listed once each") {
    StreamChangeCache cache{0};
    cache.entity_changed("a", 1);
    cache.entity_changed("b", 2);
    cache.entity_changed("c", 2);
    cache.entity_changed("a", 3);
    CHECK(sorted(cache.changed_after(0)) == Entities{"a", "b", "c"});
    CHECK(sorted(cache.changed_after(2)) == Entities{"a"});
    CHECK(cache.has_any_changed(2));
    CHECK_FALSE(cache.has_any_changed(3));
}

TEST_CASE("a full cache of changes forgets the oldest and raises its floor") {
    StreamChangeCache cache{0, 2};
    cache.entity_changed("a", 1);
    cache.entity_changed("b", 2);
    CHECK(cache.floor() == 0);
    cache.entity_changed("c", 3);
    CHECK(cache.size() == 2);
    CHECK(cache.floor() == 1);
    CHECK(cache.has_changed("a", 0));
    CHECK(cache.has_changed("unknown", 0));  // it may have been one of the forgotten
    CHECK_FALSE(cache.has_changed("a", 1));
    CHECK(sorted(cache.changed_after(1)) == Entities{"b", "c"});
    CHECK_FALSE(cache.changed_after(0));
}

TEST_CASE("entities that changed at one token are forgotten together") {
    StreamChangeCache cache{0, 2};
    cache.entity_changed("a", 1);
    cache.entity_changed("b", 1);
    cache.entity_changed("c", 1);
    CHECK(cache.size() == 0);
    CHECK(cache.floor() == 1);
    CHECK(cache.has_changed("c", 0));
    cache.entity_changed("d", 2);
    CHECK(sorted(cache.changed_after(1)) == Entities{"d"});
}

TEST_CASE("after a reset knowledge begins anew") {
    StreamChangeCache cache{0};
    cache.entity_changed("a", 5);
    cache.reset(20);
    CHECK(cache.size() == 0);
    CHECK(cache.floor() == 20);
    CHECK(cache.has_changed("a", 19));
    CHECK_FALSE(cache.has_changed("a", 20));
}

TEST_CASE("however often and in whatever order a few entities change, the cache agrees with a list of all changes") {
    StreamChangeCache cache{0, 20};
    std::map<std::string, std::int64_t> latest;
    std::uint32_t random = 1;
    for (std::int64_t n = 1; n <= 5000; ++n) {
        random = random * 1664525 + 1013904223;
        const auto entity = std::to_string((random >> 16) % 25);
        const auto token = n - static_cast<std::int64_t>((random >> 8) % 4);
        cache.entity_changed(entity, token);
        if (token > 0) latest[entity] = std::max(latest[entity], token);
        if (n % 50 != 0) continue;

        for (const auto& [name, at] : latest) CHECK(cache.has_changed(name, std::max(cache.floor(), at - 1)) == (at > cache.floor()));
        Entities expected;
        for (const auto& [name, at] : latest) {
            if (at > cache.floor()) expected.push_back(name);
        }
        std::sort(expected.begin(), expected.end());
        CHECK(sorted(cache.changed_after(cache.floor())) == expected);
        CHECK(cache.size() == expected.size());
    }
    CHECK(cache.floor() > 4000);
}
