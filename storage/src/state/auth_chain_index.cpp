#include "state/auth_chain_index.hpp"

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace weft::storage {
namespace {

// The places of events, and whether their chains end there.
constexpr Sql kPlaces{"auth_chain_places",
                      "SELECT c.event_id, c.chain_id, c.sequence_number, s.type, s.state_key, NOT EXISTS "
                      "(SELECT 1 FROM event_auth_chains n "
                      "WHERE n.chain_id = c.chain_id AND n.sequence_number = c.sequence_number + 1) "
                      "FROM event_auth_chains c LEFT JOIN state_events s ON s.event_id = c.event_id WHERE "
                      "c.event_id = ANY($1::text[])"};

// New chains have negative numbers here. A link is left out where an earlier one of its chain says as much.
constexpr Sql kInsert{
    "insert_auth_chain_places",
    "WITH fresh AS MATERIALIZED (SELECT n, nextval('event_auth_chain_id') AS id FROM generate_series(1, "
    "$1::bigint) AS n), "
    "places AS (INSERT INTO event_auth_chains (event_id, chain_id, sequence_number) SELECT p.event_id, "
    "COALESCE(f.id, p.chain), p.sequence "
    "FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS p(event_id, chain, sequence) LEFT JOIN fresh f "
    "ON f.n = -p.chain "
    // A place that another process has just given is a serialization failure here: the transaction runs again
    // and sees it.
    "ON CONFLICT DO NOTHING) "
    "INSERT INTO event_auth_chain_links (origin_chain_id, origin_sequence_number, target_chain_id, "
    "target_sequence_number) "
    "SELECT COALESCE(o.id, l.origin), l.origin_sequence, COALESCE(t.id, l.target), l.target_sequence "
    "FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS l(origin, origin_sequence, "
    "target, target_sequence) "
    "LEFT JOIN fresh o ON o.n = -l.origin LEFT JOIN fresh t ON t.n = -l.target "
    "WHERE NOT EXISTS (SELECT 1 FROM event_auth_chain_links k WHERE k.origin_chain_id = l.origin AND "
    "k.target_chain_id = l.target "
    "AND k.target_sequence_number >= l.target_sequence)"};

struct Place {
    std::int64_t chain = 0;
    std::int64_t sequence = 0;
    std::string type;
    std::string state_key;
    bool is_last = false;
};

/// Places given out in memory, to be stored together.
class Allocation {
public:
    explicit Allocation(std::unordered_map<std::string, Place> known) : places_{std::move(known)} {}

    bool has_place(const std::string& event_id) const { return places_.contains(event_id); }

    /// False if something that the event names has no place.
    bool add(const AuthEdges& event) {
        Place* predecessor = nullptr;
        for (const auto& id : event.auth_events) {
            const auto found = places_.find(id);
            if (found == places_.end()) return false;
            auto& place = found->second;
            if (place.is_last && place.type == event.type && place.state_key == event.state_key)
                predecessor = &place;
        }
        Place place{predecessor ? predecessor->chain : -(++chains_),
                    predecessor ? predecessor->sequence + 1 : 1, event.type, event.state_key, true};
        if (predecessor) predecessor->is_last = false;
        for (const auto& id : event.auth_events) link(place, places_.at(id));
        event_ids_.push_back(event.event_id);
        chain_ids_.push_back(place.chain);
        sequences_.push_back(place.sequence);
        places_.emplace(event.event_id, std::move(place));
        return true;
    }

    std::size_t size() const { return event_ids_.size(); }
    void store(Transaction& txn) const {
        txn.exec(kInsert, chains_, event_ids_, chain_ids_, sequences_, origins_, origin_sequences_, targets_,
                 target_sequences_);
    }

private:
    void link(const Place& from, const Place& to) {
        if (from.chain == to.chain) return;
        auto& reached = reached_[{from.chain, to.chain}];
        if (reached >= to.sequence) return;
        reached = to.sequence;
        origins_.push_back(from.chain);
        origin_sequences_.push_back(from.sequence);
        targets_.push_back(to.chain);
        target_sequences_.push_back(to.sequence);
    }

    std::unordered_map<std::string, Place> places_;
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t>
        reached_;  // chains → the furthest that this batch links to
    std::int64_t chains_ = 0;
    std::vector<std::string> event_ids_;
    std::vector<std::int64_t> chain_ids_, sequences_;
    std::vector<std::int64_t> origins_, origin_sequences_, targets_, target_sequences_;
};

}  // namespace

std::size_t index_auth_chains(Transaction& txn, const std::vector<AuthEdges>& events) {
    std::vector<std::string> ids;
    for (const auto& event : events) {
        ids.push_back(event.event_id);
        ids.insert(ids.end(), event.auth_events.begin(), event.auth_events.end());
    }
    std::unordered_map<std::string, Place> known;
    for (const auto row : txn.exec(kPlaces, ids)) {
        known.emplace(row[0].str(),
                      Place{row[1].i64(), row[2].i64(), row[3].str(), row[4].str(), row[5].boolean()});
    }
    Allocation allocation{std::move(known)};
    std::vector<const AuthEdges*> open;
    for (const auto& event : events) {
        if (!allocation.has_place(event.event_id)) open.push_back(&event);
    }
    for (bool moved = true; moved && !open.empty();) {
        moved = std::erase_if(open, [&](const AuthEdges* event) { return allocation.add(*event); }) > 0;
    }
    if (allocation.size() > 0) allocation.store(txn);
    return allocation.size();
}

}  // namespace weft::storage
