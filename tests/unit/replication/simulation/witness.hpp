#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "world.hpp"

namespace weft::replication::simulation {

/// Watches one process for the length of its life: what it applied, what its positions promised, and what it
/// keeps in caches. Says so to the world when a promise is broken.
class Witness {
public:
    Witness(World& world, std::string process) : world_{world}, process_{std::move(process)} {}

    /// The process starts: it knows what the database holds of this feed.
    void begin(const StreamKey& key);
    /// Rows are handed to the stream: its caches are invalidated, and its position moves, now or later.
    void handed_in(const StreamKey& key, std::int64_t token, const Rows& rows);
    /// The stream applies rows: of another process if they are the oldest of those handed in.
    void invalidate(const std::string& stream, std::int64_t token, const Rows& rows);
    /// `token` became visible: nothing up to it may be missing, nothing older be cached.
    void reported(const StreamKey& key, std::int64_t token);
    /// The position of streams with one counter, all together.
    void reported_together(const StreamKey& key, std::int64_t token);
    /// A stream in memory begins anew.
    void rewound(const StreamKey& key);
    /// What of the feed is not here in the end, or "".
    std::string missing(const StreamKey& key) const;
    /// In memory: what the newest rows said, by subject.
    const std::map<int, int>& memory(const StreamKey& key) const { return views_.at(key).memory; }

    /// What a row is about, and what is cached or kept by.
    static int subject_of(int row) { return row % kSubjects; }
    static constexpr int kSubjects = 8;

private:
    struct View {
        std::set<std::int64_t> known_at_start;
        std::set<std::int64_t> applied;
        std::int64_t last_handed_in = 0;
        std::int64_t reported = 0;
        std::int64_t reported_together = 0;
        std::map<int, std::int64_t> cache;  // subject -> the token that what is cached is as new as
        std::map<int, int> memory;
    };
    bool has(const View& view, std::int64_t token) const {
        return view.applied.contains(token) || view.known_at_start.contains(token);
    }
    void load_cache(const StreamKey& key, View& view);

    World& world_;
    std::string process_;
    std::map<StreamKey, View> views_;
    struct HandedIn {
        View* view;
        std::int64_t token;
        std::vector<int> rows;
    };
    std::map<std::string, std::deque<HandedIn>> handed_in_;  // by stream
};

}  // namespace weft::replication::simulation
