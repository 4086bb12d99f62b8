#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include <boost/asio/steady_timer.hpp>

#include "weft/core/task.hpp"

namespace weft::core {

/// A queue per key: at most one holder of a key at a time, first come first served. Logic thread only.
/// Used as `const auto guard = co_await linearizer.lock(key);`.
class Linearizer {
public:
    class Guard;
    /// `name` labels the metric of waiting callers.
    explicit Linearizer(std::string name);
    ~Linearizer();

    /// Waits for the turn. Throws operation_aborted when cancelled while waiting; the place in the queue is given up.
    Task<Guard> lock(std::string key);
    std::size_t waiting() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

class [[nodiscard]] Linearizer::Guard {
public:
    Guard(Guard&&) noexcept = default;
    Guard& operator=(Guard&&) = delete;
    ~Guard();

private:
    friend class Linearizer;
    Guard(std::shared_ptr<State> state, std::string key) : state_{std::move(state)}, key_{std::move(key)} {}
    std::shared_ptr<State> state_;
    std::string key_;
};

}  // namespace weft::core
