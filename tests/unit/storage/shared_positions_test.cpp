#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "weft/storage/shared_positions.hpp"

using weft::storage::SharedPositions;

namespace {

/// A directory of its own, removed afterwards.
class Directory {
public:
    Directory() {
        std::string name = (std::filesystem::temp_directory_path() / "weft-positions-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
        path_ = name;
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    std::string file() const { return (path_ / "positions").string(); }

private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("what one has announced in the shared file another reads", "[shared_positions]") {
    const Directory directory;
    SharedPositions writer{directory.file()};
    const SharedPositions reader{directory.file()};
    auto* const events = writer.claim("events", "event_persister1");
    REQUIRE(events != nullptr);
    REQUIRE(writer.claim("receipts", "master") != nullptr);

    events->store(41);

    REQUIRE(reader.size() == 2);
    CHECK(reader.at(0).stream == "events");
    CHECK(reader.at(0).instance == "event_persister1");
    CHECK(reader.at(0).position->load() == 41);
    CHECK(reader.at(1).stream == "receipts");
    CHECK(reader.at(1).instance == "master");
    CHECK(reader.at(1).position->load() == 0);
}

TEST_CASE("a place in the shared file is found again, also by another process", "[shared_positions]") {
    const Directory directory;
    {
        SharedPositions first{directory.file()};
        first.claim("events", "a")->store(7);
        first.claim("events", "b")->store(8);
    }
    SharedPositions again{directory.file()};
    CHECK(again.claim("events", "b")->load() == 8);
    CHECK(again.claim("events", "a")->load() == 7);
    CHECK(again.size() == 2);
}

TEST_CASE("places claimed at the same moment are different ones", "[shared_positions]") {
    const Directory directory;
    const auto claim_some = [&](const std::string& instance) {
        SharedPositions mine{directory.file()};
        for (int i = 0; i < 100; ++i) mine.claim("s" + std::to_string(i), instance)->store(i);
    };
    std::thread other{claim_some, "a"};
    claim_some("b");
    other.join();

    const SharedPositions all{directory.file()};
    REQUIRE(all.size() == 200);
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all.at(i).stream == "s" + std::to_string(all.at(i).position->load()));
    }
}

TEST_CASE("a shared file that is full, or a name that is too long, has no place", "[shared_positions]") {
    const Directory directory;
    SharedPositions positions{directory.file()};
    CHECK(positions.claim("events", std::string(200, 'x')) == nullptr);
    std::size_t places = 0;
    while (positions.claim("caches", "worker" + std::to_string(places)) != nullptr) ++places;
    CHECK(places == positions.size());
    CHECK(places > 1'000);
    CHECK(positions.claim("caches", "worker0") != nullptr);
}

TEST_CASE("another kind of file is refused as a shared one", "[shared_positions]") {
    const Directory directory;
    const auto text = GENERATE(std::string{"something else"}, std::string(200'000, 'x'));
    std::ofstream{directory.file()} << text;
    CHECK_THROWS_AS(SharedPositions{directory.file()}, std::runtime_error);
    CHECK_THROWS_AS(SharedPositions{"/nonexistent/positions"}, std::runtime_error);
}
