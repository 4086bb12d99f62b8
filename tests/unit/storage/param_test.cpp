#include <catch2/catch.hpp>

#include "weft/storage/database.hpp"
#include "weft/storage/store_error.hpp"

using weft::storage::Field;
using weft::storage::Param;
using Strings = std::vector<std::string>;

TEST_CASE("strings in an array are quoted and escaped") {
    CHECK(Param{Strings{"a", "b c"}}.text() == R"({"a","b c"})");
    CHECK(Param{Strings{R"(say "hi")", R"(back\slash)"}}.text() == R"({"say \"hi\"","back\\slash"})");
    CHECK(Param{Strings{"", "NULL", "{x,y}"}}.text() == R"({"","NULL","{x,y}"})");
    CHECK(Param{Strings{}}.text() == "{}");
}

TEST_CASE("absent elements of an array are NULL") {
    CHECK(Param{std::vector<std::optional<std::string>>{"a", std::nullopt}}.text() == R"({"a",NULL})");
    CHECK(Param{std::vector<std::optional<std::int64_t>>{1, std::nullopt}}.text() == "{1,NULL}");
}

TEST_CASE("numbers and booleans have PostgreSQL's text form") {
    CHECK(Param{std::int64_t{-7}}.text() == "-7");
    CHECK(Param{true}.text() == "t");
    CHECK(Param{std::vector<std::int64_t>{1, -2}}.text() == "{1,-2}");
    CHECK(Param{std::vector<bool>{true, false}}.text() == "{t,f}");
}

TEST_CASE("an optional without a value is NULL") {
    CHECK_FALSE(Param{std::optional<std::string>{}}.text().has_value());
    CHECK_FALSE(Param{nullptr}.text().has_value());
    CHECK(Param{std::optional<std::int64_t>{5}}.text() == "5");
    CHECK_FALSE(Param{std::optional<Strings>{}}.text().has_value());
}

TEST_CASE("a field that does not hold an integer says so") {
    CHECK(Field("-12", 3, false).i64() == -12);
    CHECK_THROWS_AS(Field("12x", 3, false).i64(), weft::storage::StoreError);
    CHECK_THROWS_AS(Field("", 0, true).i64(), weft::storage::StoreError);
    CHECK_FALSE(Field("", 0, true).opt_i64().has_value());
}
