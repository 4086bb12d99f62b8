#include <catch2/catch.hpp>

#include "run_task.hpp"
#include "spawned.hpp"
#include "weft/core/cache.hpp"

using namespace weft;
using StringCache = core::Cache<std::string, int>;

namespace {

/// Loads that wait until they are told to end.
struct Loads {
    explicit Loads(asio::io_context& io) : signal{io.get_executor()} {}

    StringCache::Loader loader() {
        return [this](std::string) -> Task<int> {
            const int number = ++started;
            co_await signal.wait();
            if (failing) throw std::runtime_error{"load failed"};
            co_return number;
        };
    }

    core::Signal signal;
    int started = 0;
    bool failing = false;
};

/// A get() that runs beside the test.
struct Get {
    Get(asio::io_context& io, StringCache& cache, std::string key, StringCache::Loader loader)
        : value{std::make_shared<StringCache::ValuePtr>()},
          task{test::spawn(io.get_executor(), [out = value, &cache, key, loader]() -> Task<void> {
              *out = co_await cache.get(key, loader);
          })} {
        test::run_ready(io);
    }
    int result() const {
        REQUIRE(task->succeeded());
        return **value;
    }

    std::shared_ptr<StringCache::ValuePtr> value;
    std::shared_ptr<test::Spawned> task;
};

StringCache::Loader gives(int value, int& calls) {
    return [value, &calls](std::string) -> Task<int> {
        ++calls;
        co_return value;
    };
}

double metric(const std::string& name, const std::string& cache) {
    return core::counter("weft_cache_" + name + "_total", "", {{"cache", cache}}).value();
}

}  // namespace

TEST_CASE("a cache loads a value once and then has it") {
    asio::io_context io;
    StringCache cache{"once", 10, io.get_executor()};
    int calls = 0;
    CHECK(*test::run(io, cache.get("a", gives(1, calls))) == 1);
    CHECK(*test::run(io, cache.get("a", gives(2, calls))) == 1);
    CHECK(calls == 1);
    CHECK(metric("misses", "once") == 1);
    CHECK(metric("hits", "once") == 1);
    CHECK(cache.get_if_present("b") == nullptr);
}

TEST_CASE("concurrent loads of one key are one load, those of another key their own") {
    asio::io_context io;
    StringCache cache{"coalescing", 10, io.get_executor()};
    Loads loads{io};
    std::vector<Get> gets;
    for (int i = 0; i < 5; ++i) gets.emplace_back(io, cache, "a", loads.loader());
    Get other{io, cache, "b", loads.loader()};
    CHECK(loads.started == 2);
    loads.signal.notify_all();
    test::run_ready(io);
    for (const auto& get : gets) {
        CHECK(get.result() == 1);
        CHECK(*get.value == *gets.front().value);  // one value, shared
    }
    CHECK(other.result() == 2);
    CHECK(cache.size() == 2);
}

TEST_CASE("a load that fails fails for all who wait, and is not kept") {
    asio::io_context io;
    StringCache cache{"failing", 10, io.get_executor()};
    Loads loads{io};
    loads.failing = true;
    Get first{io, cache, "a", loads.loader()};
    Get second{io, cache, "a", loads.loader()};
    loads.signal.notify_all();
    test::run_ready(io);
    for (const auto& get : {first, second}) {
        REQUIRE(get.task->done);
        CHECK_THROWS_WITH(std::rethrow_exception(get.task->failure), "load failed");
    }
    CHECK(cache.size() == 0);
    int calls = 0;
    CHECK(*test::run(io, cache.get("a", gives(7, calls))) == 7);
}

TEST_CASE("a value that was invalidated while it was loaded is handed out but not kept") {
    asio::io_context io;
    StringCache cache{"stale", 10, io.get_executor()};
    Loads loads{io};
    Get before{io, cache, "a", loads.loader()};
    const bool all = GENERATE(false, true);
    if (all) {
        cache.invalidate_all();
    } else {
        cache.invalidate("a");
    }
    Get after{io, cache, "a", loads.loader()};
    CHECK(loads.started == 2);  // who comes later must not get what may be old
    loads.signal.notify_all();
    test::run_ready(io);
    CHECK(before.result() == 1);
    CHECK(after.result() == 2);
    REQUIRE(cache.get_if_present("a"));
    CHECK(*cache.get_if_present("a") == 2);
}

TEST_CASE("a value that is put while an older one is loaded stays") {
    asio::io_context io;
    StringCache cache{"put_during_load", 10, io.get_executor()};
    Loads loads{io};
    Get before{io, cache, "a", loads.loader()};
    cache.put("a", 99);
    loads.signal.notify_all();
    test::run_ready(io);
    CHECK(before.result() == 1);
    REQUIRE(cache.get_if_present("a"));
    CHECK(*cache.get_if_present("a") == 99);
}

TEST_CASE("a value that is put needs no load and takes the place of the one before") {
    asio::io_context io;
    StringCache cache{"put", 10, io.get_executor()};
    cache.put("a", 5);
    int calls = 0;
    CHECK(*test::run(io, cache.get("a", gives(1, calls))) == 5);
    CHECK(calls == 0);
    cache.put("a", std::make_shared<const int>(6));
    CHECK(*cache.get_if_present("a") == 6);
    CHECK(cache.size() == 1);
    cache.invalidate("a");
    CHECK(cache.get_if_present("a") == nullptr);
}

TEST_CASE("a loader that is cancelled fails nobody else: one of those who wait loads instead") {
    asio::io_context io;
    StringCache cache{"cancelled_loader", 10, io.get_executor()};
    Loads loads{io};
    Get loader{io, cache, "a", loads.loader()};
    Get second{io, cache, "a", loads.loader()};
    Get third{io, cache, "a", loads.loader()};
    loader.task->cancel();
    test::run_ready(io);
    CHECK(loader.task->was_cancelled());
    CHECK(loads.started == 2);
    CHECK_FALSE(second.task->done);
    loads.signal.notify_all();
    test::run_ready(io);
    CHECK(second.result() == 2);
    CHECK(third.result() == 2);
}

TEST_CASE("one who waits can be cancelled without harm to the load") {
    asio::io_context io;
    StringCache cache{"cancelled_waiter", 10, io.get_executor()};
    Loads loads{io};
    Get loader{io, cache, "a", loads.loader()};
    Get waiter{io, cache, "a", loads.loader()};
    waiter.task->cancel();
    test::run_ready(io);
    CHECK(waiter.task->was_cancelled());
    CHECK_FALSE(loader.task->done);
    loads.signal.notify_all();
    test::run_ready(io);
    CHECK(loader.result() == 1);
    CHECK(cache.size() == 1);
}

TEST_CASE("the entries least recently used leave a full cache first") {
    asio::io_context io;
    StringCache cache{"bounded", 3, io.get_executor()};
    for (const auto* const key : {"a", "b", "c"}) cache.put(key, 1);
    CHECK(cache.get_if_present("a"));  // used: now b is the oldest
    cache.put("d", 1);
    CHECK(cache.size() == 3);
    CHECK(cache.get_if_present("b") == nullptr);
    CHECK(cache.get_if_present("a"));
    cache.put("c", 2);  // written: now d is the oldest
    cache.put("e", 1);
    CHECK(cache.get_if_present("d") == nullptr);
    CHECK(*cache.get_if_present("c") == 2);
    CHECK(core::gauge("weft_cache_entries", "", {{"cache", "bounded"}}).value() == 3);
}

TEST_CASE("values stay with those who hold them when a cache forgets") {
    asio::io_context io;
    StringCache cache{"held", 10, io.get_executor()};
    cache.put("a", 1);
    const auto held = cache.get_if_present("a");
    cache.invalidate_all();
    CHECK(cache.size() == 0);
    CHECK(*held == 1);
    CHECK(metric("invalidations", "held") == 1);
}
