#include <catch2/catch.hpp>

#include "weft/storage/stream_state.hpp"

using weft::storage::CacheRegistry;
using Keys = std::vector<std::string>;

TEST_CASE("the cache that is named is invalidated, with its keys") {
    CacheRegistry registry;
    Keys seen;
    int others = 0;
    registry.add(
        "get_user_by_id", [&](const Keys& keys) { seen = keys; }, [&] { ++others; });
    registry.add(
        "did_forget", [&](const Keys&) { ++others; }, [&] { ++others; });

    registry.invalidate("get_user_by_id", {"@a:test"});

    CHECK(seen == Keys{"@a:test"});
    CHECK(others == 0);
}

TEST_CASE("several caches may have one name") {
    CacheRegistry registry;
    int calls = 0;
    registry.add(
        "cs_cache_fake", [&](const Keys&) { ++calls; }, [&] { calls += 10; });
    registry.add(
        "cs_cache_fake", [&](const Keys&) { ++calls; }, [&] { calls += 10; });

    registry.invalidate("cs_cache_fake", {"!r:test"});
    CHECK(calls == 2);
    registry.invalidate_all("cs_cache_fake");
    CHECK(calls == 22);
}

TEST_CASE("a name that is not known is ignored") {
    const CacheRegistry registry;

    CHECK_NOTHROW(registry.invalidate("of_another_version", {"x"}));
    CHECK_NOTHROW(registry.invalidate_all("of_another_version"));
}
