#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace weft::handlers {

/// Lets one sighting of a (user, access token, address) through every two minutes: `user_ips` need not be
/// exact, and a client makes several requests a second. Bounded; allocates only for what it has not seen.
/// Logic thread only.
class SeenThrottle {
public:
    static constexpr std::int64_t kIntervalMs = 120'000;

    explicit SeenThrottle(std::size_t entries_max = 50'000) : entries_max_{entries_max} {}

    /// True if this sighting should be told; it counts as told then.
    bool admit(std::string_view user_id, std::string_view access_token, std::string_view ip,
               std::int64_t now_ms);
    std::size_t size() const { return told_ms_.size(); }

private:
    void make_room(std::int64_t now_ms);

    std::size_t entries_max_;
    // By hash of the three: a collision would only delay a sighting.
    std::unordered_map<std::size_t, std::int64_t> told_ms_;
};

}  // namespace weft::handlers
