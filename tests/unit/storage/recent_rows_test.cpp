#include <catch2/catch.hpp>

#include <string>

#include "weft/storage/recent_rows.hpp"

using weft::storage::RecentRows;

namespace {

std::string joined(const RecentRows<std::string>& rows, const std::string& entity, std::int64_t from,
                   std::int64_t to) {
    std::string out;
    for (const auto& row : rows.of(entity, from, to)) out += *row;
    return out;
}

}  // namespace

TEST_CASE("rows of an entity are found by token range, half open") {
    RecentRows<std::string> rows{10};
    rows.reset(3);
    rows.add(4, "!a", "1");
    rows.add(5, "!b", "2");
    rows.add(6, "!a", "3");

    CHECK(joined(rows, "!a", 3, 6) == "13");
    CHECK(joined(rows, "!a", 4, 6) == "3");
    CHECK(joined(rows, "!a", 3, 5) == "1");
    CHECK(joined(rows, "!c", 3, 6).empty());
}

TEST_CASE("nothing is known before the floor, nor before there is one") {
    RecentRows<std::string> rows{10};
    CHECK_FALSE(rows.knows(100));
    CHECK_FALSE(rows.started());

    rows.reset(3);

    CHECK(rows.knows(3));
    CHECK_FALSE(rows.knows(2));
}

TEST_CASE("the oldest rows leave when there are too many, and the floor rises") {
    RecentRows<std::string> rows{2};
    rows.reset(1);
    rows.add(2, "!a", "1");
    rows.add(3, "!b", "2");
    rows.add(4, "!a", "3");

    CHECK(rows.size() == 2);
    CHECK_FALSE(rows.knows(1));
    CHECK(rows.knows(2));
    CHECK(joined(rows, "!a", 2, 4) == "3");
}

TEST_CASE("a token that goes backwards forgets all: order is what the rows are good for") {
    RecentRows<std::string> rows{10};
    rows.reset(1);
    rows.add(5, "!a", "1");

    rows.add(3, "!a", "2");

    CHECK(rows.size() == 0);
    CHECK_FALSE(rows.knows(4));
    CHECK(rows.knows(5));
}
