// Thousands of small clusters on a simulated clock, each with its own misfortunes. WEFT_SEED replays one;
// WEFT_SEEDS=N tries the first N.
#include <cstdlib>

#include <catch2/catch.hpp>

#include "simulation/world.hpp"

using weft::replication::simulation::World;

namespace {

/// Without an optimiser a cluster costs ten times as much.
#ifdef __OPTIMIZE__
constexpr std::uint64_t kSeeds = 3'000;
#else
constexpr std::uint64_t kSeeds = 400;
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void run_clusters(World::Transport transport) {
    const auto first = number_from("WEFT_SEED", 1);
    const auto last = std::getenv("WEFT_SEED") != nullptr ? first : number_from("WEFT_SEEDS", kSeeds);
    std::uint64_t faults = 0;
    std::uint64_t applied = 0;
    for (auto seed = first; seed <= last; ++seed) {
        World world{seed, transport};
        const auto broken = world.run();
        faults += world.faults();
        applied += world.applied();
        INFO("replay with WEFT_SEED=" << seed);
        REQUIRE(broken == "");
    }
    CHECK(faults >= last - first);
    CHECK(applied > 10 * (last - first));
    WARN(last - first + 1 << " seeds, " << faults << " faults, " << applied << " tokens applied");
}

}  // namespace

TEST_CASE(
    "whatever happens to processes and connections, rows are applied once, in order, and no position lies",
    "[replication][simulation]") {
    run_clusters(World::Transport::kTcp);
}

TEST_CASE("the same on a bus that loses what is said while somebody is away", "[replication][simulation]") {
    run_clusters(World::Transport::kBus);
}
