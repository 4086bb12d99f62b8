#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "weft/proto/event.hpp"
#include "weft/proto/state_key.hpp"

namespace weft::bench {

/// A room as large ones are: thousands of members, who join one after the other, change their names, leave;
/// power levels that change now and then. It is made, not sent: events are unsigned and their IDs are made
/// up.
class BigRoom {
public:
    /// A room whose state has `state_events` events.
    BigRoom(std::string name, int state_events);

    /// What happens on one branch after the room forked: joins, names, departures, a topic, a kick, new
    /// levels.
    struct Branch {
        proto::StateMap changed;
    };
    Branch fork(int events);

    const std::string& id() const { return id_; }
    const std::vector<proto::EventPtr>& order() const { return order_; }
    /// State before the forks, and the keys that each of the last events before them changed.
    const proto::StateMap& state() const { return state_; }

private:
    proto::EventId send(proto::StateMap& on, std::string type, std::string state_key, std::string sender,
                        proto::json::object content);
    const proto::EventId* find(const proto::StateMap& on, const proto::StateKey& key) const;
    std::string user(int number) const { return "@user" + std::to_string(number) + ":bench"; }
    void member(proto::StateMap& on, const std::string& user_id, std::string_view membership,
                const std::string& sender);
    void levels(proto::StateMap& on);

    std::string name_;
    std::string id_;
    int users_ = 0;
    int forks_ = 0;
    std::vector<proto::EventPtr> order_;
    proto::StateMap state_;
    std::mt19937 random_{1};
};

}  // namespace weft::bench
