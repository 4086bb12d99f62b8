#include "state_resolution_v1.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

#include "weft/proto/auth_rules.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::proto {

namespace {

using Sha1 = std::array<unsigned char, 20>;

Sha1 sha1(std::string_view text) {
    Sha1 out;
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_sha1(), nullptr) != 1 ||
        size != out.size()) {
        throw std::runtime_error{"SHA-1 is not available"};
    }
    return out;
}

struct Candidate {
    EventPtr event;
    Sha1 hash;
};

class ResolverV1 {
public:
    ResolverV1(const RoomVersion& version, const StateLookup& agreed, const EventLoader& load)
        : version_{version}, agreed_{agreed}, load_{load} {}

    StateMap run(const StateConflict& conflict) {
        std::map<StateKey, std::vector<Candidate>> conflicts;
        for (const auto& [key, ids] : conflict.values) {
            if (ids.size() == 1) {
                resolved_.emplace(key, ids.front());
            } else {
                conflicts.emplace(key, candidates(ids));
            }
        }
        // What later passes are judged by must be settled first.
        for (const auto type : {event_type::kPowerLevels, event_type::kJoinRules, event_type::kMember}) {
            for (const auto& [key, events] : conflicts) {
                if (key.type() == type) settle(key, last_of_allowed_chain(events));
            }
        }
        for (const auto& [key, events] : conflicts) {
            const bool is_done = key.type() == event_type::kPowerLevels || key.type() == event_type::kJoinRules ||
                                 key.type() == event_type::kMember;
            if (!is_done) settle(key, best_allowed(events));
        }
        return std::move(resolved_);
    }

private:
    /// Ascending depth, then descending sha1 of the id.
    std::vector<Candidate> candidates(const std::vector<EventId>& ids) const {
        std::vector<Candidate> events;
        for (const auto& id : ids) {
            if (auto event = load_(id)) events.push_back({std::move(event), sha1(id.str())});
        }
        std::ranges::sort(events, [](const Candidate& a, const Candidate& b) {
            if (a.event->depth() != b.event->depth()) return a.event->depth() < b.event->depth();
            return a.hash > b.hash;
        });
        return events;
    }

    void settle(const StateKey& key, const EventPtr& event) {
        if (event) resolved_.insert_or_assign(key, event->event_id());
    }

    bool is_allowed(const Event& event) const {
        AuthLookup lookup;
        for (const auto& key : auth_types_for_event(event)) {
            if (const auto found = resolved_.find(key); found != resolved_.end()) {
                lookup.add(load_(found->second));
            } else if (const auto id = agreed_(key)) {
                lookup.add(load_(*id));
            }
        }
        return check_auth(event, lookup, version_).allowed();
    }

    EventPtr last_of_allowed_chain(const std::vector<Candidate>& events) {
        EventPtr current;
        for (const auto& candidate : events) {
            if (current && !is_allowed(*candidate.event)) break;
            current = candidate.event;
            settle(current->key(), current);
        }
        return current;
    }

    EventPtr best_allowed(const std::vector<Candidate>& events) const {
        for (auto it = events.rbegin(); it != events.rend(); ++it) {
            if (is_allowed(*it->event)) return it->event;
        }
        // The specification is silent where none passes. Synapse takes the one with the least depth, and so
        // do we.
        return events.empty() ? nullptr : events.front().event;
    }

    const RoomVersion& version_;
    const StateLookup& agreed_;
    const EventLoader& load_;
    StateMap resolved_;  // of the keys in conflict
};

}  // namespace

StateMap resolve_v1(const RoomVersion& version, const StateConflict& conflict, const StateLookup& agreed,
                    const EventLoader& load) {
    return ResolverV1{version, agreed, load}.run(conflict);
}

}  // namespace weft::proto
