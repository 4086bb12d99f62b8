#include "weft/proto/replication/rows.hpp"

#include <catch2/catch.hpp>

#include "weft/proto/replication/ascii_json.hpp"
#include "weft/proto/replication/streams.hpp"

using namespace weft::proto::replication;

namespace {

std::vector<StreamRow> samples() {
    return {
        EventsEventRow{"$e", "!r:h", "m.room.message", std::nullopt, std::nullopt, "$target"},
        EventsEventRow{"$e", "!r:h", "m.room.member", "@a:h", "$redacted", std::nullopt},
        EventsStateRow{"!r:h", "m.room.name", "", "$e"},
        EventsStateRow{"!r:h", "m.room.name", "", std::nullopt},
        BackfillRow{"$e", "!r:h", "m.room.message", std::nullopt, std::nullopt, std::nullopt},
        PresenceRow{"@a:h", "online", 1, 2, 3, "at work", true},
        PresenceRow{"@a:h", "offline", 0, 0, 0, std::nullopt, false},
        TypingRow{"!r:h", {"@a:h", "@b:h"}},
        TypingRow{"!r:h", {}},
        ReceiptsRow{"!r:h", "m.read", "@a:h", "$e", {{"ts", 5}}},
        PushRulesRow{"@a:h"},
        PushersRow{"@a:h", "app", "key", true},
        CachesRow{"get_user_by_id", std::vector<std::string>{"@a:h"}, 7},
        CachesRow{"user_last_seen_monthly_active", std::nullopt, 7},
        PublicRoomsRow{"!r:h", true, std::nullopt, "net"},
        DeviceListsRow{"@a:h"},
        ToDeviceRow{"remote.example.org"},
        FederationRow{"k", boost::json::parse(R"({"key": ["a"], "edu": {}})")},
        TagAccountDataRow{"@a:h", "!r:h", R"({"m.favourite":{"order": 0.5}})"},
        AccountDataRow{"@a:h", std::nullopt, "m.direct"},
        AccountDataRow{"@a:h", "!r:h", "m.fully_read"},
        GroupsRow{"+g:h", "@a:h", "membership", {{"membership", "join"}}},
        UserSignatureRow{"@a:h"},
    };
}

std::string_view stream_of(const StreamRow& row) {
    return std::visit([](const auto& r) { return std::decay_t<decltype(r)>::kStream; }, row);
}

}  // namespace

TEST_CASE("every row survives being written and read", "[replication][rows]") {
    std::set<std::size_t> kinds;
    for (const auto& row : samples()) {
        const auto text = to_ascii_json(row_to_json(row));
        CAPTURE(text);
        const auto parsed = parse_row_json(text);
        REQUIRE(parsed.has_value());
        const auto again = parse_row(stream_of(row), *parsed);
        REQUIRE(again.has_value());
        CHECK((*again == row));
        kinds.insert(row.index());
    }
    CHECK(kinds.size() == std::variant_size_v<StreamRow>);
}

TEST_CASE("every stream of the table has a row, and every row a stream", "[replication][rows]") {
    std::set<std::string_view> with_rows;
    for (const auto& row : samples()) with_rows.insert(stream_of(row));
    for (const auto& stream : kStreams) CHECK(with_rows.contains(stream.name));
    CHECK(with_rows.size() == kStreams.size());
}

TEST_CASE("rows of the wrong shape are refused, whatever the stream", "[replication][rows]") {
    for (const auto& stream : kStreams) {
        for (const char* text : {"null", "{}", "[]", "[1]", R"(["ev"])", R"(["ev", 5])", R"(["other", []])",
                                 R"([[], {}, null, 5, true, "x", 1.5, {}])"}) {
            const auto value = parse_row_json(text);
            REQUIRE(value.has_value());
            CAPTURE(stream.name, text);
            const auto row = parse_row(stream.name, *value);
            // One-column rows and EDUs accept any string first; none of these texts begins with one but the
            // events'.
            const bool begins_with_string = std::string_view{text}.starts_with("[\"");
            if (!begins_with_string) CHECK(!row);
        }
    }
    CHECK(!parse_row("no_such_stream", boost::json::array{"x"}));
}

TEST_CASE("JSON is written as Python writes it", "[replication][rows]") {
    const auto value =
        *parse_row_json(R"({"a":[1,-2,0.5,1e20,true,null],"k\u00e9y \ud83d\ude00":"\n\u0001\"\\\u007f/"})");

    CHECK(to_ascii_json(value) ==
          R"({"a": [1, -2, 0.5, 1e+20, true, null], "k\u00e9y \ud83d\ude00": "\n\u0001\"\\)"
          "\x7f/\"}");
    CHECK(to_ascii_json(boost::json::value(3.0)) == "3.0");
    CHECK(to_ascii_json(boost::json::value("\xff"
                                           "a\xc3")) == R"("\ufffda\ufffd")");
}

TEST_CASE("a change of current state names its members in rows of fifty", "[replication][rows]") {
    std::vector<std::string> members;
    for (int i = 0; i < 120; ++i) members.push_back("@u" + std::to_string(i) + ":h");

    const auto rows = CachesRow::current_state_changed("!r:h", members, 5);

    REQUIRE(rows.size() == 3);
    CHECK(rows[0].keys->size() == 51);
    CHECK(rows[2].keys->size() == 21);
    for (const auto& row : rows) {
        CHECK(row.cache == "cs_cache_fake");
        CHECK(row.keys->front() == "!r:h");
    }
}

TEST_CASE("a change of current state without members still is a row", "[replication][rows]") {
    const auto rows = CachesRow::current_state_changed("!r:h", {}, 5);

    REQUIRE(rows.size() == 1);
    CHECK(to_ascii_json(rows[0].to_json()) == R"(["cs_cache_fake", ["!r:h"], 5])");
}

TEST_CASE("cs_cache_fake without keys is refused", "[replication][rows]") {
    CHECK(!CachesRow::parse(*parse_row_json(R"(["cs_cache_fake", null, 5])")));
    CHECK(CachesRow::parse(*parse_row_json(R"(["other", null, 5])")).has_value());
}
