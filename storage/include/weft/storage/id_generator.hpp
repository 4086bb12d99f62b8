#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace weft::storage {

/// Hands out the tokens of a stream in the process that writes it, and knows up to which token everything is
/// visible: `current()` is the newest token such that all tokens up to it are committed or given up. Tokens
/// are allocated before their transaction commits and finish in any order. Trailing tokens that were given up
/// are not passed over, so a position that is announced always has a committed row at its end and no
/// announced token is used again after a restart. Logic thread only.
class StreamIdGenerator {
    struct State;

public:
    /// `last` is the newest token in the database (1 for an empty stream), `step` is +1, or -1 for backfill.
    explicit StreamIdGenerator(std::int64_t last, std::int64_t step = 1);
    ~StreamIdGenerator();
    StreamIdGenerator(const StreamIdGenerator&) = delete;
    StreamIdGenerator& operator=(const StreamIdGenerator&) = delete;

    /// Tokens that are allocated and not settled. Destruction without commit() gives them up. May outlive the
    /// generator.
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
        /// The transaction has committed, but only these tokens have rows; the others are given up.
        void commit_only(const std::vector<std::int64_t>& used);

    private:
        friend class StreamIdGenerator;
        Allocation(std::shared_ptr<State> owner, std::vector<std::int64_t> ids);
        std::shared_ptr<State> owner_;
        std::vector<std::int64_t> ids_;
    };

    Allocation next(std::size_t count = 1);

    /// From now on tokens come from outside, ascending and above all that were used: next() takes them from what was
    /// supplied, of which there must be enough.
    void supply(const std::vector<std::int64_t>& ids);
    std::size_t supplied() const;
    void drop_supply();
    /// Everything up to `token` is given up, if no token is under way; false if one is.
    bool skip_to(std::int64_t token);
    std::int64_t current() const;

    /// Called whenever tokens were settled, also by the destructor of an Allocation: must not throw.
    void on_settled(std::function<void()> callback);

private:
    std::shared_ptr<State> state_;
};

}  // namespace weft::storage
