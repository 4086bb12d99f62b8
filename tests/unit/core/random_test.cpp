#include <set>

#include <catch2/catch.hpp>

#include "weft/core/random.hpp"

using namespace weft;

namespace {

const std::string kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

}  // namespace

TEST_CASE("random text has the length and the alphabet asked for") {
    CHECK(core::random_letters(0).empty());
    CHECK(core::random_letters(24).size() == 24);
    CHECK(core::random_letters(2000).find_first_not_of(kLetters) == std::string::npos);
    const auto mixed = core::random_alphanumeric(5000);
    CHECK(mixed.find_first_not_of(kLetters + "0123456789") == std::string::npos);
    CHECK(std::set<char>(mixed.begin(), mixed.end()).size() == 62);
}

TEST_CASE("random texts do not repeat") {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(core::random_letters(18));
    CHECK(seen.size() == 1000);
}

TEST_CASE("random numbers stay below their bound and reach all below it") {
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(core::random_below(5));
    CHECK(seen == std::set<std::uint32_t>{0, 1, 2, 3, 4});
    CHECK(core::random_below(1) == 0);
    for (int i = 0; i < 1000; ++i) {
        const auto unit = core::random_unit();
        CHECK((unit >= 0.0 && unit < 1.0));
    }
}
