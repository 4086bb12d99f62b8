#include <catch2/catch.hpp>

#include "weft/storage/id_generator.hpp"

using weft::storage::StreamIdGenerator;
using Ids = std::vector<std::int64_t>;

TEST_CASE("the first token after the newest in the database is the next one") {
    StreamIdGenerator ids{1};

    const auto allocation = ids.next();

    CHECK(allocation.first() == 2);
    CHECK(ids.current() == 1);
}

TEST_CASE("a token is visible once it and all before it are settled, in whichever order they finish") {
    StreamIdGenerator ids{10};
    auto eleven = ids.next();
    auto twelve = ids.next();
    auto thirteen = ids.next();

    thirteen.commit();
    CHECK(ids.current() == 10);
    eleven.commit();
    CHECK(ids.current() == 11);
    twelve.commit();
    CHECK(ids.current() == 13);
}

TEST_CASE("a token that was given up does not hold back later ones") {
    StreamIdGenerator ids{1};
    auto second = std::make_unique<StreamIdGenerator::Allocation>(ids.next());
    auto third = ids.next();
    third.commit();
    CHECK(ids.current() == 1);

    second.reset();

    CHECK(ids.current() == 3);
}

TEST_CASE("the position does not pass over a tail of tokens that were given up") {
    StreamIdGenerator ids{1};
    ids.next().commit();
    { const auto abandoned = ids.next(3); }

    CHECK(ids.current() == 2);
    ids.next().commit();
    CHECK(ids.current() == 6);
}

TEST_CASE("several tokens of one allocation are contiguous and become visible together") {
    StreamIdGenerator ids{4};

    auto allocation = ids.next(3);

    CHECK(allocation.ids() == Ids{5, 6, 7});
    CHECK(allocation.last() == 7);
    allocation.commit();
    CHECK(ids.current() == 7);
}

TEST_CASE("tokens of an allocation that got no row are given up") {
    StreamIdGenerator ids{1};

    auto allocation = ids.next(3);
    allocation.commit_only({2, 3});

    CHECK(ids.current() == 3);
}

TEST_CASE("a generator with step -1 counts downwards") {
    StreamIdGenerator ids{-1, -1};
    auto first = ids.next();
    auto second = ids.next();
    CHECK(first.first() == -2);
    CHECK(second.first() == -3);

    second.commit();
    CHECK(ids.current() == -1);
    first.commit();
    CHECK(ids.current() == -3);
}

TEST_CASE("settling calls back, whether committed or given up, and a moved allocation settles once") {
    StreamIdGenerator ids{1};
    int calls = 0;
    ids.on_settled([&calls] { ++calls; });

    {
        auto first = ids.next();
        auto moved = std::move(first);
        moved.commit();
    }
    CHECK(calls == 1);
    { const auto given_up = ids.next(); }
    CHECK(calls == 2);
}

TEST_CASE("an allocation may outlive its generator") {
    auto ids = std::make_unique<StreamIdGenerator>(1);
    bool called = false;
    ids->on_settled([&called] { called = true; });
    auto allocation = ids->next();

    ids.reset();
    allocation.commit();

    CHECK_FALSE(called);
}

TEST_CASE("tokens that are supplied are handed out in order, and positions pass over those skipped") {
    StreamIdGenerator ids{5};
    ids.supply({3, 5, 8, 9, 12});
    CHECK(ids.supplied() == 3);  // what is not newer than what was used is of no use
    {
        auto first = ids.next();
        auto second = ids.next();
        CHECK(first.first() == 8);
        CHECK(second.first() == 9);
        second.commit();
        CHECK(ids.current() == 5);
        CHECK_FALSE(ids.skip_to(20));
        first.commit();
    }
    CHECK(ids.current() == 9);
    CHECK(ids.skip_to(12));
    CHECK(ids.current() == 12);
    CHECK(ids.supplied() == 0);
    CHECK_THROWS(ids.next());
    ids.supply({13});
    CHECK(ids.next().first() == 13);
    ids.supply({14, 15});
    ids.drop_supply();
    CHECK(ids.supplied() == 0);
}
