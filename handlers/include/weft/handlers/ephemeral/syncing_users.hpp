#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace weft::handlers {

/// Who syncs in this process, reduced to what the writer of presence must be told: a user came, wants another
/// presence, or has been gone for longer than the pause between two polls. Pure.
class SyncingUsers {
public:
    /// A poll that began less than this after the last one ended has not interrupted anything.
    static constexpr std::int64_t kGraceMs = 10'000;

    struct Begun {
        bool came = false;  // did not sync here before
        /// The presence that the user's polls ask for now, if the writer does not assume it: it takes a user
        /// who comes for online.
        std::optional<std::string> presence;
        bool anything() const { return came || presence; }
    };
    /// A poll begins that marks the user online, or else unavailable. Of several clients the one that is
    /// online counts.
    Begun begin(const std::string& user_id, bool online);
    /// It ends. `online` as it was given to begin().
    void end(const std::string& user_id, bool online, std::int64_t now_ms);

    struct Left {
        std::string user_id;
        std::int64_t last_sync_ms;
    };
    /// Those whose grace is over; they are forgotten.
    std::vector<Left> leave(std::int64_t now_ms);

    /// Also those in their grace: nobody was told that they left.
    bool contains(const std::string& user_id) const { return users_.contains(user_id); }
    std::vector<std::string> all() const;

private:
    struct Polls {
        int online = 0;
        int unavailable = 0;
        bool wants_online = true;
        std::int64_t ended_ms = 0;
    };
    std::unordered_map<std::string, Polls> users_;
};

}  // namespace weft::handlers
