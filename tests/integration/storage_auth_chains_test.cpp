// What is known of auth chains without reading them: the index, the walk, and a reference that reads
// everything agree.
#include <catch2/catch.hpp>

#include <set>

#include "reference_resolution.hpp"
#include "stored_room.hpp"
#include "weft/storage/auth_chains.hpp"

using namespace weft;
using namespace weft::test;
using storage::AuthChains;

namespace {

using IdSet = std::set<proto::EventId>;

/// Two or more states of the room, as a question about their auth chains.
AuthChains::Question question_about(const std::vector<proto::StateMap>& states, bool with_subgraph) {
    const auto split = proto::split_states(states);
    AuthChains::Question question;
    question.with_subgraph = with_subgraph;
    for (const auto& state : states) {
        auto& events = question.conflicted.emplace_back();
        for (const auto& [key, id] : state) {
            if (split.conflict.values.contains(key)) events.push_back(id);
        }
    }
    std::unordered_set<proto::EventId> agreed;
    for (const auto& [key, id] : split.unconflicted) agreed.insert(id);
    question.agreed = [agreed](AuthChains::Ids ids) -> Task<std::unordered_set<proto::EventId>> {
        std::unordered_set<proto::EventId> out;
        for (auto& id : ids) {
            if (agreed.contains(id)) out.insert(std::move(id));
        }
        co_return out;
    };
    return question;
}

IdSet as_set(const AuthChains::Ids& ids) {
    return {ids.begin(), ids.end()};
}

std::string count(StorageFixture& fixture, const std::string& what) {
    return fixture.sql("SELECT count(*) FROM " + what).at(0).at(0);
}

}  // namespace

TEST_CASE("the index and the walk find the auth difference and the subgraph of the reference",
          "[auth_chains]") {
    StorageFixture fixture;
    AuthChains chains{fixture.db};
    std::vector<RandomRoom> rooms;
    for (const auto* version : {"2", "10", "11", "12"}) {
        for (std::uint32_t seed = 0; seed < 12; ++seed) {
            RandomRoom::Options options;
            options.name = fmt::format("r{}_{}", version, seed);
            options.steps = 60;
            rooms.emplace_back(proto::RoomVersion::get(version), seed, options);
            store_room(fixture, rooms.back());
        }
    }
    storage::AuthChainIndexer::Options options;
    options.batch = 100;
    fixture.run(storage::AuthChainIndexer{fixture.db, options}.run());
    REQUIRE(count(fixture,
                  "state_events s LEFT JOIN event_auth_chains c USING (event_id) WHERE c.event_id IS NULL") ==
            "0");

    std::size_t differences = 0;
    for (auto& room : rooms) {
        const ReferenceResolution reference{room.version,
                                            [&](const proto::EventId& id) { return room.load(id); }};
        for (std::size_t n = 0; n < 6; ++n) {
            INFO("room " << room.room_id.str() << ", question " << n);
            const auto states = room.some_states(2 + n % 4);
            const auto question = question_about(states, true);
            if (std::all_of(question.conflicted.begin(), question.conflicted.end(),
                            [](const auto& ids) { return ids.empty(); }))
                continue;
            const auto expected = reference.auth_difference(states);
            differences += expected.size();

            const auto indexed = fixture.run(chains.compare(question));
            REQUIRE(indexed.from_index);
            REQUIRE(as_set(indexed.difference) == expected);
            REQUIRE(as_set(indexed.subgraph) == reference.conflicted_subgraph(states));
            const auto walked = fixture.run(chains.walk(question));
            REQUIRE(as_set(walked.difference) == expected);
            REQUIRE(as_set(walked.subgraph) == reference.conflicted_subgraph(states));
        }
    }
    CHECK(differences > 500);
}

TEST_CASE("events that are not indexed are walked to", "[auth_chains]") {
    StorageFixture fixture;
    AuthChains chains{fixture.db};
    RandomRoom room{proto::RoomVersion::get("11"), 5};
    store_room(fixture, room);
    const auto states = room.some_states(3);

    const auto answer = fixture.run(chains.compare(question_about(states, false)));

    CHECK_FALSE(answer.from_index);
    CHECK(as_set(answer.difference) ==
          ReferenceResolution{room.version, [&](const auto& id) { return room.load(id); }}.auth_difference(
              states));
}

TEST_CASE("indexing goes on where it was stopped, and is done once", "[auth_chains]") {
    StorageFixture fixture;
    for (std::uint32_t seed = 0; seed < 3; ++seed) {
        RandomRoom::Options options;
        options.name = fmt::format("r{}", seed);
        store_room(fixture, RandomRoom{proto::RoomVersion::get("11"), seed, options});
    }
    fixture.sql(
        "UPDATE weft_background_updates SET progress_json = '{\"stream_ordering\": 30}' WHERE update_name = "
        "'auth_chain_index'");
    const auto events = std::stoul(count(fixture, "state_events"));

    // The scan finds only what comes after its mark, the rest is left over for the end.
    CHECK(fixture.run(storage::AuthChainIndexer{fixture.db}.run()) == events);
    CHECK(count(fixture, "weft_background_updates") == "0");
    CHECK(fixture.run(storage::AuthChainIndexer{fixture.db}.run()) == 0);
    CHECK(fixture.sql("SELECT count(*), count(DISTINCT (chain_id, sequence_number)) FROM event_auth_chains")
              .at(0) == std::vector<std::string>{std::to_string(events), std::to_string(events)});
}

TEST_CASE("a restored dump is indexed although the schema was new", "[auth_chains]") {
    StorageFixture fixture;
    fixture.run(storage::AuthChainIndexer{fixture.db}.run());
    REQUIRE(count(fixture, "weft_background_updates") == "0");
    store_room(fixture, RandomRoom{proto::RoomVersion::get("6"), 1});

    CHECK(fixture.run(storage::AuthChainIndexer{fixture.db}.run()) > 0);
}

TEST_CASE("an event whose auth events are not known stays out of the index, and does not keep others out",
          "[auth_chains]") {
    StorageFixture fixture;
    RandomRoom room{proto::RoomVersion::get("11"), 2};
    store_room(fixture, room);
    const auto orphan = room.order.back()->event_id().str();
    fixture.sql(fmt::format(
        "INSERT INTO event_auth (event_id, auth_id, room_id) VALUES ('{}', '$nobody_knows', 'x')", orphan));

    CHECK(fixture.run(storage::AuthChainIndexer{fixture.db}.run()) > 0);
    CHECK(count(fixture,
                "state_events s LEFT JOIN event_auth_chains c USING (event_id) WHERE c.event_id IS NULL") ==
          "1");
    CHECK(count(fixture, "event_auth_chains WHERE event_id = '" + orphan + "'") == "0");
}

TEST_CASE("old power levels are found a page at a time", "[auth_chains]") {
    StorageFixture fixture;
    RandomRoom::Options options;
    options.steps = 200;
    RandomRoom room{proto::RoomVersion::get("11"), 9, options};
    store_room(fixture, room);
    const auto newest = std::find_if(room.order.rbegin(), room.order.rend(), [](const auto& event) {
        return event->type() == "m.room.power_levels";
    });
    IdSet expected;
    for (auto event = *newest; event;) {
        expected.insert(event->event_id());
        proto::EventPtr before;
        for (const auto& id : event->auth_events()) {
            if (const auto found = room.load(id); found && found->type() == "m.room.power_levels")
                before = found;
        }
        event = before;
    }
    REQUIRE(expected.size() >= 2);

    CHECK(as_set(fixture.run(AuthChains{fixture.db}.power_levels_before({(*newest)->event_id()}, 1000))) ==
          expected);
    CHECK(fixture.run(AuthChains{fixture.db}.power_levels_before({(*newest)->event_id()}, 1)).size() == 2);
}
