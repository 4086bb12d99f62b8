#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "weft/proto/state_resolution.hpp"

namespace weft::test {

/// State resolution as the specification's prose has it, sentence by sentence and without regard to cost:
/// what the real one is compared with. Shares nothing with it but the authorization rules.
class ReferenceResolution {
public:
    ReferenceResolution(const proto::RoomVersion& version, proto::EventLoader load)
        : version_{version}, load_{std::move(load)} {}

    proto::StateMap resolve(const std::vector<proto::StateMap>& sets) const;
    /// Events in the full auth chain of some states, but not of all.
    std::set<proto::EventId> auth_difference(const std::vector<proto::StateMap>& sets) const;
    /// Events on a path of auth events from one event that is in conflict to another.
    std::set<proto::EventId> conflicted_subgraph(const std::vector<proto::StateMap>& sets) const;

private:
    using Ids = std::set<proto::EventId>;
    Ids auth_chain(const proto::EventId& id) const;  // without the event itself
    Ids conflicted(const std::vector<proto::StateMap>& sets) const;
    bool is_allowed(const proto::Event& event, const proto::StateMap& state, bool with_own_auth_events) const;
    proto::StateMap resolve_v1(const std::vector<proto::StateMap>& sets) const;
    proto::StateMap resolve_v2(const std::vector<proto::StateMap>& sets) const;
    proto::EventPtr levels_of(const proto::Event& event) const;
    std::int64_t power_of_sender(const proto::Event& event) const;
    std::vector<proto::EventPtr> reverse_topological_power_order(const Ids& ids) const;
    std::vector<proto::EventPtr> mainline_order(const Ids& ids, const proto::StateMap& state) const;
    void apply(const std::vector<proto::EventPtr>& events, proto::StateMap& state) const;

    const proto::RoomVersion& version_;
    proto::EventLoader load_;
};

}  // namespace weft::test
