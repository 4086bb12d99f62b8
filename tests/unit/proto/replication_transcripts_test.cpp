// What a real Synapse 1.15 said (tests/data/replication/transcripts) is understood, and said again byte for
// byte.
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "weft/proto/replication/ascii_json.hpp"
#include "weft/proto/replication/commands.hpp"
#include "weft/proto/replication/rows.hpp"

using namespace weft::proto::replication;

namespace {

struct Recorded {
    std::string file;
    bool from_server = false;
    std::string line;
};

/// Lines of both formats: `<ms> TAB <dir> TAB text` and, of the proxy, `<ms> TAB <connection> TAB <dir> TAB
/// text`.
std::vector<Recorded> recorded_lines() {
    std::vector<Recorded> out;
    for (const auto& entry : std::filesystem::directory_iterator{WEFT_TEST_DATA "/replication/transcripts"}) {
        const auto name = entry.path().filename().string();
        if (!name.ends_with(".txt") || name.ends_with(".http.txt")) continue;
        std::ifstream file{entry.path()};
        for (std::string text; std::getline(file, text);) {
            std::vector<std::string> fields;
            for (std::size_t at = 0; fields.size() < 4 && at <= text.size();) {
                const auto tab = text.find('\t', at);
                fields.push_back(text.substr(at, tab - at));
                if (tab == text.npos) break;
                at = tab + 1;
            }
            if (fields.size() == 3 && (fields[1] == "<" || fields[1] == ">")) {
                out.push_back({name, fields[1] == "<", fields[2]});
            } else if (fields.size() == 4 && (fields[2] == "C>S" || fields[2] == "S>C")) {
                out.push_back({name, fields[2] == "S>C", fields[3]});
            }
        }
    }
    return out;
}

}  // namespace

TEST_CASE("every line of a real master is understood and written again byte for byte",
          "[replication][golden]") {
    std::size_t count = 0;
    for (const auto& recorded : recorded_lines()) {
        if (!recorded.from_server) continue;
        CAPTURE(recorded.file, recorded.line);
        const auto command = parse_line(recorded.line);
        REQUIRE(command.has_value());
        const auto sent_by = command_sent_by(*command);
        CHECK((sent_by == SentBy::kServer || sent_by == SentBy::kEither));
        CHECK(*format_line(*command, Dialect::kSynapse115) == recorded.line);
        ++count;
    }
    CHECK(count > 1'500);
}

TEST_CASE("every row of a real master is a row of its stream and written again byte for byte",
          "[replication][golden]") {
    std::map<std::string, int> rows_of;
    for (const auto& recorded : recorded_lines()) {
        if (!recorded.from_server || !recorded.line.starts_with("RDATA ")) continue;
        CAPTURE(recorded.file, recorded.line);
        const auto command = parse_line(recorded.line);
        REQUIRE(command.has_value());
        const auto& rdata = std::get<Rdata>(*command);
        const auto json = parse_row_json(rdata.row);
        REQUIRE(json.has_value());
        const auto row = parse_row(rdata.stream, *json);
        REQUIRE(row.has_value());
        CHECK(to_ascii_json(row_to_json(*row)) == rdata.row);
        std::string line;
        append_rdata(line, rdata.stream, rdata.instance, rdata.token, rdata.row);
        CHECK(line == recorded.line);
        ++rows_of[rdata.stream];
    }
    CHECK(rows_of.size() >= 15);
}

TEST_CASE("every line of a real worker is understood and written again byte for byte",
          "[replication][golden]") {
    std::size_t count = 0;
    for (const auto& recorded : recorded_lines()) {
        if (recorded.from_server || recorded.file.find(".tcp.") == std::string::npos) continue;
        CAPTURE(recorded.file, recorded.line);
        const auto command = parse_line(recorded.line);
        REQUIRE(command.has_value());
        CHECK(*format_line(*command, Dialect::kSynapse115) == recorded.line);
        ++count;
    }
    CHECK(count >= 40);
}
