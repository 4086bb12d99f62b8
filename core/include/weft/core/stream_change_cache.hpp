#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace weft::core {

/// Remembers at which stream token an entity (room, user, host) last changed, so that "nothing new" needs no query.
/// Before `floor()` it knows nothing and answers "may have changed". Logic thread only.
class StreamChangeCache {
public:
    /// All changes after `floor` will be told; at most `entities_max` entities are remembered (oldest leave, the floor rises).
    explicit StreamChangeCache(std::int64_t floor, std::size_t entities_max = 50'000);

    void entity_changed(const std::string& entity, std::int64_t token);
    /// May the entity have changed after `token`?
    bool has_changed(const std::string& entity, std::int64_t token) const;
    /// May anything have changed after `token`?
    bool has_any_changed(std::int64_t token) const;
    /// The entities that changed after `token`, or nothing if that is before the floor.
    std::optional<std::vector<std::string>> changed_after(std::int64_t token) const;
    /// The token of the last known change, if it is remembered.
    std::optional<std::int64_t> last_change(const std::string& entity) const;
    /// Forgets everything; knowledge begins after `floor`.
    void reset(std::int64_t floor);
    std::int64_t floor() const { return floor_; }
    std::size_t size() const { return latest_.size(); }

private:
    /// A keyed hash of an entity's name: names are compared by it, so that a lookup touches the table and nothing else.
    using Key = std::uint64_t;
    struct KeyHash {
        using is_avalanching = void;
        std::size_t operator()(Key key) const { return key; }
    };
    struct Entity {
        std::int64_t token = 0;  // of its last change
        std::string name;
    };
    struct Change {
        std::int64_t token;
        Key entity;
    };
    using Changes = std::deque<Change>;
    static constexpr std::size_t kOutdatedMax = 64;

    static Key key_of(std::string_view entity);
    /// The entity has changed again since.
    bool is_outdated(const Change& change) const;
    /// The first change after a token.
    Changes::const_iterator after(std::int64_t token) const;
    void evict();

    std::int64_t floor_;
    std::size_t entities_max_;
    boost::unordered_flat_map<Key, Entity, KeyHash> latest_;
    Changes changes_;  // in the order of their tokens
};

}  // namespace weft::core
