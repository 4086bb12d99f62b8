#include <catch2/catch.hpp>

#include "weft/storage/migrations.hpp"

TEST_CASE("migrations are in the order of their numbers, from one, and have their text built in") {
    CHECK(weft::storage::migrations().front().version == 1);
    int last = 0;
    for (const auto& migration : weft::storage::migrations()) {
        CHECK(migration.version > last);
        last = migration.version;
        CHECK_FALSE(migration.name.empty());
        CHECK(migration.sql.find(';') != std::string_view::npos);
    }
    CHECK(last >= 2);
}
