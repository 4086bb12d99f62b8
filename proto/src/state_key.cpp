#include "weft/proto/state_key.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>

#include <boost/unordered/unordered_flat_set.hpp>

#include "weft/core/keyed_hash.hpp"

namespace weft::proto {

struct StateKey::Shared {
    std::string type;
    std::string state_key;
    std::uint64_t hash;
    std::atomic<std::uint32_t> keys;  // goes from 0 and to 0 under the lock of the part only
};

/// All keys of the process, in parts with a lock each. A part is held for one look-up.
class StateKey::Table {
public:
    /// Never destroyed: keys with static storage may outlive everything else.
    static Table& instance() {
        static Table* const kTable = new Table;
        return *kTable;
    }

    Shared* acquire(std::string_view type, std::string_view state_key) {
        const Text text{type, state_key, hash_of(type, state_key)};
        Part& part = part_of(text.hash);
        const std::lock_guard lock{part.mutex};
        if (const auto found = part.keys.find(text); found != part.keys.end()) {
            (*found)->keys.fetch_add(1, std::memory_order_relaxed);
            return *found;
        }
        std::unique_ptr<Shared> made{new Shared{std::string{type}, std::string{state_key}, text.hash, 1}};
        part.keys.insert(made.get());
        return made.release();
    }

    void release(Shared* shared) noexcept {
        auto keys = shared->keys.load(std::memory_order_relaxed);
        while (keys > 1) {
            if (shared->keys.compare_exchange_weak(keys, keys - 1, std::memory_order_release, std::memory_order_relaxed)) return;
        }
        // Perhaps the last one: only a look-up could make another meanwhile, and the lock keeps that out.
        Part& part = part_of(shared->hash);
        {
            const std::lock_guard lock{part.mutex};
            if (shared->keys.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
            part.keys.erase(shared);
        }
        delete shared;
    }

    std::size_t size() {
        std::size_t out = 0;
        for (auto& part : parts_) {
            const std::lock_guard lock{part.mutex};
            out += part.keys.size();
        }
        return out;
    }

private:
    struct Text {
        std::string_view type;
        std::string_view state_key;
        std::uint64_t hash;
    };
    struct Hash {
        using is_transparent = void;
        using is_avalanching = void;
        std::size_t operator()(const Text& text) const noexcept { return text.hash; }
        std::size_t operator()(const Shared* shared) const noexcept { return shared->hash; }
    };
    struct Equal {
        using is_transparent = void;
        bool operator()(const Shared* a, const Shared* b) const noexcept { return a == b; }
        bool operator()(const Text& a, const Shared* b) const noexcept {
            return a.hash == b->hash && a.type == b->type && a.state_key == b->state_key;
        }
        bool operator()(const Shared* a, const Text& b) const noexcept { return operator()(b, a); }
    };
    struct alignas(64) Part {
        std::mutex mutex;
        boost::unordered_flat_set<Shared*, Hash, Equal> keys;
    };

    /// People choose state keys: the hash is keyed.
    static std::uint64_t hash_of(std::string_view type, std::string_view state_key) {
        return core::keyed_hash(type) * 31 + core::keyed_hash(state_key);
    }
    Part& part_of(std::uint64_t hash) { return parts_[hash % parts_.size()]; }

    std::array<Part, 32> parts_;
};

StateKey::StateKey(std::string_view type, std::string_view state_key) : shared_{Table::instance().acquire(type, state_key)} {}

StateKey::StateKey(const StateKey& other) noexcept : shared_{other.shared_} {
    if (shared_) shared_->keys.fetch_add(1, std::memory_order_relaxed);
}

void StateKey::release() noexcept { Table::instance().release(shared_); }

const std::string& StateKey::type() const noexcept { return shared_->type; }

const std::string& StateKey::state_key() const noexcept { return shared_->state_key; }

std::size_t StateKey::memory_share() const noexcept {
    constexpr std::size_t kInPlace = 15;  // what a std::string holds without an allocation
    constexpr std::size_t kAllocation = 17;
    std::size_t bytes = sizeof(Shared) + kAllocation + 2 * sizeof(Shared*);
    for (const auto length : {type().size(), state_key().size()}) bytes += length > kInPlace ? length + kAllocation : 0;
    return bytes / shared_->keys.load(std::memory_order_relaxed);
}

std::size_t StateKey::count() { return Table::instance().size(); }

std::strong_ordering operator<=>(const StateKey& a, const StateKey& b) noexcept {
    if (a.shared_ == b.shared_) return std::strong_ordering::equal;
    if (const auto order = a.type() <=> b.type(); order != 0) return order;
    return a.state_key() <=> b.state_key();
}

}  // namespace weft::proto
