// The states of a room's forks, resolved from state groups in the database.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "reference_resolution.hpp"
#include "stored_room.hpp"
#include "weft/handlers/state_resolver.hpp"

using namespace weft;
using namespace weft::test;

namespace {

struct Resolver {
    explicit Resolver(StorageFixture& on) : fixture{on} {}

    StorageFixture& fixture;
    storage::StreamState& events_stream{fixture.stream("events")};
    storage::EventsStore events{fixture.db, events_stream, fixture.stream("backfill"), 10'000,
                                fixture.io.get_executor()};
    storage::StateStore states{fixture.db,       events_stream, events,
                               fixture.registry, 100,           fixture.io.get_executor()};
    storage::AuthChains chains{fixture.db};
    core::CpuPool cpu{1};
    handlers::StateResolver resolver{events, states, chains, cpu, fixture.io.get_executor()};

    proto::StateMap resolve(const RandomRoom& room, std::vector<std::int64_t> groups) {
        const auto resolved = fixture.run(resolver.resolve(room.room_id, room.version, std::move(groups)));
        return *fixture.run(resolver.whole_state(resolved));
    }
    void index() { fixture.run(storage::AuthChainIndexer{fixture.db}.run()); }
};

}  // namespace

TEST_CASE("states resolved from the database are those of the reference, in all versions",
          "[state_resolver]") {
    StorageFixture storage;
    std::vector<RandomRoom> rooms;
    std::vector<std::vector<std::int64_t>> groups;
    for (const auto* version : {"1", "2", "6", "10", "11", "12"}) {
        for (std::uint32_t seed = 100; seed < 108; ++seed) {
            RandomRoom::Options options;
            options.name = fmt::format("r{}_{}", version, seed);
            options.steps = 60;
            rooms.emplace_back(proto::RoomVersion::get(version), seed, options);
            store_room(storage, rooms.back());
            groups.push_back(store_groups(storage, rooms.back()));
        }
    }
    Resolver resolver{storage};
    const bool with_index = GENERATE(true, false);
    if (with_index) resolver.index();
    std::mt19937 random{3};
    for (std::size_t n = 0; n < rooms.size(); ++n) {
        const auto& room = rooms[n];
        const ReferenceResolution reference{room.version,
                                            [&](const proto::EventId& id) { return room.load(id); }};
        for (std::size_t question = 0; question < 4; ++question) {
            std::vector<std::int64_t> asked;
            std::vector<proto::StateMap> states;
            for (std::size_t i = 0; i < 2 + question; ++i) {
                const auto at = random() % room.history.size();
                asked.push_back(groups[n][at]);
                states.push_back(room.history[at]);
            }
            INFO("room " << room.room_id.str() << ", question " << question);
            REQUIRE(resolver.resolve(room, asked) == reference.resolve(states));
        }
    }
}

TEST_CASE("a set of groups is resolved once, whatever their order", "[state_resolver]") {
    StorageFixture storage;
    RandomRoom room{proto::RoomVersion::get("11"), 42};
    store_room(storage, room);
    const auto groups = store_groups(storage, room);
    Resolver resolver{storage};
    resolver.index();

    const auto first = storage.run(
        resolver.resolver.resolve(room.room_id, room.version, {groups[6], groups[20], groups[30]}));
    const auto queries = HomeserverFixture::transactions();
    const auto second = storage.run(resolver.resolver.resolve(
        room.room_id, room.version, {groups[30], groups[6], groups[20], groups[6]}));

    CHECK(first == second);
    CHECK(HomeserverFixture::transactions() == queries);
    CHECK(resolver.resolver.seconds_of(room.room_id.str()) > 0);
}

TEST_CASE("one group is its own resolution", "[state_resolver]") {
    StorageFixture storage;
    RandomRoom room{proto::RoomVersion::get("11"), 42};
    store_room(storage, room);
    const auto groups = store_groups(storage, room);
    Resolver resolver{storage};

    CHECK(resolver.resolve(room, {groups[9], groups[9]}) == room.history[9]);
}
