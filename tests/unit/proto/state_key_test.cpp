#include "weft/proto/state_key.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

using weft::proto::StateKey;

TEST_CASE("keys of one text are one key, others are not") {
    const StateKey member{"m.room.member", "@a:x"};
    CHECK(member == StateKey{"m.room.member", "@a:x"});
    CHECK(std::hash<StateKey>{}(member) == std::hash<StateKey>{}(StateKey{"m.room.member", "@a:x"}));
    CHECK(&member.state_key() == &StateKey{"m.room.member", "@a:x"}.state_key());
    CHECK(member != StateKey{"m.room.member", "@b:x"});
    CHECK(member != StateKey{"m.room.name", "@a:x"});
    CHECK(StateKey{"ab", "c"} != StateKey{"a", "bc"});
    CHECK(StateKey{"m.room.name"} == StateKey{"m.room.name", ""});
    const std::string with_zero{"a\0b", 3};
    CHECK(StateKey{with_zero, ""} != StateKey{"a", ""});
    CHECK(StateKey{with_zero, ""}.type() == with_zero);
}

TEST_CASE("keys are in the order of their texts") {
    CHECK(StateKey{"a", "z"} < StateKey{"b", "a"});
    CHECK(StateKey{"a", "a"} < StateKey{"a", "b"});
    CHECK(std::is_eq(StateKey{"a", "a"} <=> StateKey{"a", "a"}));
}

TEST_CASE("a text goes with the last key that has it") {
    const auto before = StateKey::count();
    {
        StateKey one{"org.example.gone", "1"};
        CHECK(StateKey::count() == before + 1);
        const StateKey same = one;
        CHECK(StateKey::count() == before + 1);
        StateKey other{"org.example.gone", "2"};
        CHECK(StateKey::count() == before + 2);
        other = one;
        CHECK(StateKey::count() == before + 1);
        const StateKey moved = std::move(one);
        CHECK(moved == same);
        one = other;
        CHECK(one == same);
    }
    CHECK(StateKey::count() == before);
}

TEST_CASE("a key bears its share of the text's memory") {
    const StateKey alone{"org.example.share", "a state key that is longer than what is held in place"};
    const auto whole = alone.memory_share();
    CHECK(whole > 64);
    const std::vector<StateKey> many(99, alone);
    CHECK(alone.memory_share() == whole / 100);
}

TEST_CASE("threads make and drop the same keys") {
    const auto before = StateKey::count();
    std::vector<std::thread> threads;
    std::atomic<std::size_t> wrong = 0;
    for (unsigned n = 0; n < 4; ++n) {
        threads.emplace_back([n, &wrong] {
            std::mt19937 random{n};
            std::vector<StateKey> held;
            for (int step = 0; step < 20'000; ++step) {
                const auto number = std::to_string(random() % 8);
                const StateKey key{"org.example.thread", number};
                if (key.state_key() != number || key != StateKey{"org.example.thread", number}) ++wrong;
                if (random() % 2 == 0) held.push_back(key);
                if (held.size() > 6) held.clear();
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(StateKey::count() == before);
}
