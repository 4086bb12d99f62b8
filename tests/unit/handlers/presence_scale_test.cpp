#include <chrono>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "weft/handlers/ephemeral/presence_machine.hpp"

using namespace weft;
using handlers::PresenceMachine;

namespace {

constexpr int kUsers = 10'000;
constexpr std::int64_t kTickMs = 5'000;

std::string user(int number) {
    return fmt::format("@user{}:example.org", number);
}

/// What would be stored and told.
std::size_t take_all(PresenceMachine& machine) {
    std::size_t told = 0;
    while (machine.has_changes()) {
        const auto batch = machine.take_changes(1'000);
        machine.stored(batch);
        told += batch.size();
    }
    return told;
}

}  // namespace

TEST_CASE("a day's hour of ten thousand users is told on edges only, and costs next to nothing", "[presence]") {
    PresenceMachine machine;
    std::int64_t now_ms = 1'700'000'000'000;
    const auto started = std::chrono::steady_clock::now();
    std::size_t told = 0;
    for (int n = 0; n < kUsers; ++n) machine.sync_started("synchrotron1", user(n), now_ms, now_ms);
    told += take_all(machine);
    CHECK(told == kUsers);

    // They sync all the time, and a tenth of them writes something every half minute.
    std::size_t while_here = 0;
    for (int tick = 0; tick < 3'600'000 / kTickMs; ++tick) {
        now_ms += kTickMs;
        if (tick % 6 == 0) {
            for (int n = 0; n < kUsers; n += 10) machine.user_active(user(n), now_ms);
        }
        machine.tick(now_ms);
        while_here += take_all(machine);
    }
    // The idle nine tenths are told twice: not active any more, then unavailable.
    CHECK(while_here == 2 * kUsers * 9 / 10);

    machine.process_cleared("synchrotron1", now_ms);
    for (int tick = 0; tick < 3 * 60'000 / kTickMs; ++tick) {
        now_ms += kTickMs;
        machine.tick(now_ms);
        take_all(machine);
    }
    CHECK(machine.users() == 0);
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - started;
    WARN(fmt::format("an hour of {} users took {:.0f} ms", kUsers, passed.count() * 1000));
    CHECK(passed.count() < 30);
}
