#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace weft::storage {

/// Hands out the tokens of a stream in the process that writes it, and knows up to which token everything is visible:
/// `current()` is the newest token such that all tokens up to it are committed or given up. Tokens are allocated before their
/// transaction commits and finish in any order. Trailing tokens that were given up are not passed over, so a position that is
/// announced always has a committed row at its end and no token is used again after a restart. Logic thread only.
class StreamIdGenerator {
public:
    /// `last` is the newest token in the database (1 for an empty stream), `step` is +1, or -1 for backfill.
    explicit StreamIdGenerator(std::int64_t last, std::int64_t step = 1);

    /// Tokens that are allocated and not settled. Destruction without commit() gives them up.
    class Allocation {
    public:
        Allocation(Allocation&& other) noexcept;
        Allocation& operator=(Allocation&&) = delete;
        ~Allocation();
        const std::vector<std::int64_t>& ids() const { return ids_; }
        std::int64_t first() const { return ids_.front(); }
        std::int64_t last() const { return ids_.back(); }
        /// The transaction has committed: the tokens become visible in order.
        void commit();

    private:
        friend class StreamIdGenerator;
        Allocation(StreamIdGenerator& owner, std::vector<std::int64_t> ids) : owner_{&owner}, ids_{std::move(ids)} {}
        StreamIdGenerator* owner_;
        std::vector<std::int64_t> ids_;
    };

    Allocation next(std::size_t count = 1);
    std::int64_t current() const;

private:
    void settle(const std::vector<std::int64_t>& ids, bool committed);

    std::int64_t step_;
    std::int64_t last_allocated_;
    std::int64_t current_;
    std::set<std::int64_t> unfinished_;             // by distance from start, i.e. id * step
    std::set<std::int64_t> committed_above_;        // committed, but something lower is not settled
};

}  // namespace weft::storage
