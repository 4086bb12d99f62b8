#include <cstdio>
#include <fstream>

#include <unistd.h>
#include <catch2/catch.hpp>

#include <boost/json.hpp>

#include "weft/core/log.hpp"
#include "weft/core/log_context.hpp"

using namespace weft;

namespace {

/// Standard error, caught in a file while this lives.
class CapturedLog {
public:
    explicit CapturedLog(const core::LogConfig& config)
        : file_{std::tmpfile()}, before_{::dup(STDERR_FILENO)} {
        ::dup2(::fileno(file_), STDERR_FILENO);
        core::init_logging(config, "tests");
    }
    ~CapturedLog() {
        ::dup2(before_, STDERR_FILENO);
        ::close(before_);
        std::fclose(file_);
        core::init_logging({}, "weft");
    }
    std::vector<std::string> lines() {
        core::flush_logs();
        std::rewind(file_);
        std::vector<std::string> out;
        std::string line;
        for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) {
            if (c != '\n') {
                line += static_cast<char>(c);
                continue;
            }
            out.push_back(std::move(line));
            line.clear();
        }
        return out;
    }

private:
    std::FILE* file_;
    int before_;
};

}  // namespace

TEST_CASE("a log line says when, how grave, who, where, for whom and what") {
    CapturedLog log{{core::LogLevel::kInfo, core::LogFormat::kText}};
    const core::ContextScope scope{std::make_shared<core::LogContext>("GET-1")};
    core::log_info("tests.area", "{} and {}", 1, "two");
    const auto lines = log.lines();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("INFO [tests] tests.area - GET-1 - 1 and two") != std::string::npos);
    CHECK(lines[0].substr(4, 1) == "-");
    CHECK(lines[0].substr(10, 1) == "T");
}

TEST_CASE("what is logged cannot forge a line") {
    CapturedLog log{{core::LogLevel::kInfo, core::LogFormat::kText}};
    core::log_warning("tests", "{}", "a\nERROR [master] b\r\nc");
    CHECK(log.lines().size() == 1);
}

TEST_CASE("a JSON log is one object a line, whatever is logged") {
    CapturedLog log{{core::LogLevel::kInfo, core::LogFormat::kJson}};
    core::log_error("tests.area", "{}", "say \"hi\"\n{} \x01 ü");
    const auto lines = log.lines();
    REQUIRE(lines.size() == 1);
    const auto object = boost::json::parse(lines[0]).as_object();
    CHECK(object.at("level") == "ERROR");
    CHECK(object.at("process") == "tests");
    CHECK(object.at("area") == "tests.area");
    CHECK(object.at("context") == "-");
    CHECK(object.at("message") == "say \"hi\"\n{} \x01 ü");
    CHECK(object.contains("time"));
}

TEST_CASE("lines below the level are not written") {
    CapturedLog log{{core::LogLevel::kWarning, core::LogFormat::kText}};
    CHECK_FALSE(core::log_enabled(core::LogLevel::kInfo));
    core::log_debug("tests", "debug");
    core::log_info("tests", "info");
    core::log_line(core::LogLevel::kInfo, "tests", "info");
    core::log_warning("tests", "warning");
    core::log_error("tests", "error");
    CHECK(log.lines().size() == 2);
}
