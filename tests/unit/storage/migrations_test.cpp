#include <catch2/catch.hpp>

#include "weft/storage/migrations.hpp"

TEST_CASE("migrations are numbered from one without gaps and have their text built in") {
    int expected = 0;
    for (const auto& migration : weft::storage::migrations()) {
        CHECK(migration.version == ++expected);
        CHECK_FALSE(migration.name.empty());
        CHECK(migration.sql.find("CREATE") != std::string_view::npos);
    }
    CHECK(expected >= 2);
}
