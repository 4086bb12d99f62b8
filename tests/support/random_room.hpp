#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "weft/proto/event.hpp"
#include "weft/proto/state_key.hpp"

namespace weft::test {

/// A room that forks, merges and changes at random, the same for the same seed: joins, kicks, bans, levels,
/// join rules and topics by a few people, times that collide, some events authorized by state of another
/// branch. Its events are not signed and have made-up IDs, so thousands of rooms take seconds.
class RandomRoom {
public:
    struct Options {
        int steps = 40;
        int users = 6;
        std::string name = "room";  // part of the IDs, so that several rooms can share a database
    };
    RandomRoom(const proto::RoomVersion& version, std::uint32_t seed, Options options);
    RandomRoom(const proto::RoomVersion& version, std::uint32_t seed)
        : RandomRoom{version, seed, Options{}} {}

    proto::EventPtr load(const proto::EventId& id) const;
    /// Some of the states that the room had, of any age: what a resolution may be asked about.
    std::vector<proto::StateMap> some_states(std::size_t count);

    const proto::RoomVersion& version;
    proto::RoomId room_id;
    std::map<proto::EventId, proto::EventPtr> events;
    std::vector<proto::EventPtr> order;  // as they came
    struct Tip {
        proto::EventId event_id;
        proto::StateMap state;  // after it
        std::int64_t depth;
    };
    std::vector<Tip> tips;
    std::vector<proto::StateMap> history;

private:
    int pick(int below) { return std::uniform_int_distribution<int>{0, below - 1}(random_); }
    std::string user(int number) const { return "@u" + std::to_string(number) + ":test"; }
    void begin();
    void step();
    void merge();
    /// Builds an event on top of the tip; authorized by `auth_state`. Null if the tip's state does not allow
    /// it.
    proto::EventPtr make(const Tip& tip, const proto::StateMap& auth_state, const std::string& sender,
                         const std::string& type, const std::string& state_key, proto::json::object content);
    void put(std::size_t tip, const proto::EventPtr& event);
    proto::json::object random_levels();
    void random_event(std::size_t tip);

    Options options_;
    std::mt19937 random_;
    int next_id_ = 0;
};

}  // namespace weft::test
