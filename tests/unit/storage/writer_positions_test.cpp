#include "weft/storage/writer_positions.hpp"

#include <catch2/catch.hpp>

using weft::storage::writer_tag;
using weft::storage::WriterPositions;
using Named = std::map<std::string, std::int64_t>;

namespace {

const WriterPositions kApart{Named{{"p1", 103}, {"p2", 110}, {"p3", 105}}};

}  // namespace

TEST_CASE("a position of one writer, or of several at one place, is a plain number", "[writer_positions]") {
    CHECK(WriterPositions{Named{{"p1", 7}}}.to_string() == "7");
    CHECK(WriterPositions{Named{{"p1", 7}, {"p2", 7}}} == WriterPositions{7});
    CHECK(WriterPositions::parse("7").value() == WriterPositions{7});
    CHECK(WriterPositions{7}.is_plain());
    CHECK(WriterPositions{7}.covers(writer_tag("anybody"), 7));
    CHECK_FALSE(WriterPositions{7}.covers(std::nullopt, 8));
}

TEST_CASE("writers ahead of the lower bound are named, and only those", "[writer_positions]") {
    CHECK(kApart.min() == 103);
    CHECK(kApart.max() == 110);
    CHECK(kApart.tags().size() == 2);
    CHECK(kApart.of(writer_tag("p1")) == 103);
    CHECK(kApart.of(writer_tag("p2")) == 110);
    CHECK(kApart.of(writer_tag("unknown")) == 103);
    CHECK(kApart.of(std::nullopt) == 103);
    const auto text = kApart.to_string();
    CHECK(text.starts_with("m103~"));
    CHECK(text.size() < 40);
    CHECK(WriterPositions::parse(text).value() == kApart);
}

TEST_CASE("what is no position is refused", "[writer_positions]") {
    for (const auto* text : {"", "x", "-1", "1.5", "m", "m-1", "m1~", "m1~2", "m1~.2", "m1~a.", "m1~a.b",
                             "m1~a.5~", "1~a.5", "m1~zzzzzzzzz.5", "m99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(WriterPositions::parse(text).has_value());
    }
    std::string many = "m1";
    for (int i = 0; i < 100; ++i) many += "~" + std::to_string(i) + ".5";
    CHECK_FALSE(WriterPositions::parse(many).has_value());
}

TEST_CASE("merging takes the later of both for each writer", "[writer_positions]") {
    const WriterPositions other{Named{{"p1", 108}, {"p2", 104}, {"p3", 104}}};
    const auto both = kApart.merged(other);
    CHECK(both.of(writer_tag("p1")) == 108);
    CHECK(both.of(writer_tag("p2")) == 110);
    CHECK(both.of(writer_tag("p3")) == 105);
    CHECK(both == other.merged(kApart));
    CHECK(both.merged(kApart) == both);
    CHECK(both.sum() > kApart.sum());
    CHECK(both.sum() > other.sum());
    // A client's old token, or one from before there were several writers.
    CHECK(kApart.merged(106).of(writer_tag("p1")) == 106);
    CHECK(kApart.merged(106).of(writer_tag("p2")) == 110);
    CHECK(kApart.merged(200) == WriterPositions{200});
}

TEST_CASE("capping leaves nobody beyond a token", "[writer_positions]") {
    CHECK(kApart.capped(104).max() == 104);
    CHECK(kApart.capped(104).of(writer_tag("p1")) == 103);
    CHECK(kApart.capped(50) == WriterPositions{50});
    CHECK(kApart.capped(500) == kApart);
}
