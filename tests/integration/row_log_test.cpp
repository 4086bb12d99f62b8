#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "row_log.hpp"

using namespace weft;
namespace json = boost::json;

namespace {

/// WEFT_ROW_LOG names a file of a directory of its own, as long as this lives.
struct LogDirectory {
    LogDirectory()
        : path{std::filesystem::temp_directory_path() / ("weft-rows-" + std::to_string(::getpid()))} {
        std::filesystem::create_directory(path);
        ::setenv("WEFT_ROW_LOG", (path / "{name}.rows").c_str(), 1);
    }
    ~LogDirectory() {
        ::unsetenv("WEFT_ROW_LOG");
        std::filesystem::remove_all(path);
    }
    std::vector<std::string> lines(const std::string& process) const {
        std::ifstream file{path / (process + ".rows")};
        std::vector<std::string> out;
        for (std::string line; std::getline(file, line);) out.push_back(std::move(line));
        return out;
    }
    /// Without the time, which is the first word.
    std::vector<std::string> rows(const std::string& process) const {
        std::vector<std::string> out;
        for (const auto& line : lines(process)) {
            if (!line.starts_with('#')) out.push_back(line.substr(line.find(' ') + 1));
        }
        return out;
    }
    std::filesystem::path path;
};

core::Config config_of(const std::string& process) {
    core::Config config;
    config.server_name = "test";
    config.instance_name = core::InstanceName{process};
    config.worker_app = "weft.app.synchrotron";
    return config;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the row log holds the start, the positions and every row, others' and the process's own") {
    const LogDirectory directory;
    const auto config = config_of("reader1");
    workers::Streams streams{config};
    streams.receipts.seed(7);
    streams.caches.seed(std::map<std::string, std::int64_t>{{"master", 3}});
    const auto log = workers::RowLog::from_environment(streams, "reader1");
    REQUIRE(log);

    streams.receipts.apply("master", 8, {json::array{"one"}, json::array{"two"}});
    streams.caches.announce(4, {json::array{"mine"}});

    const auto lines = directory.lines("reader1");
    CHECK(lines.front() == "# start " + std::to_string(::getpid()));
    CHECK(std::find(lines.begin(), lines.end(), "# position receipts master 7") != lines.end());
    CHECK(std::find(lines.begin(), lines.end(), "# position caches master 3") != lines.end());
    CHECK(directory.rows("reader1") == Lines{R"(receipts master 8 ["one"])", R"(receipts master 8 ["two"])",
                                             R"(caches reader1 4 ["mine"])"});
}

TEST_CASE("the row log of a process that starts again goes on in the same file") {
    const LogDirectory directory;
    const auto config = config_of("reader1");
    for (int life = 0; life < 2; ++life) {
        workers::Streams streams{config};
        const auto log = workers::RowLog::from_environment(streams, "reader1");
        streams.receipts.apply("master", 8 + life, {json::array{life}});
    }
    CHECK(directory.rows("reader1") == Lines{"receipts master 8 [0]", "receipts master 9 [1]"});
}

TEST_CASE("without WEFT_ROW_LOG nothing is logged") {
    ::unsetenv("WEFT_ROW_LOG");
    const auto config = config_of("reader1");
    workers::Streams streams{config};
    CHECK(workers::RowLog::from_environment(streams, "reader1") == nullptr);
}
