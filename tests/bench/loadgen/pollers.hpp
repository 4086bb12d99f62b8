#pragma once

#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "matrix_user.hpp"
#include "statistics.hpp"

namespace weft::loadgen {

/// Users that long-poll /sync without end, as clients with an open window do.
class Pollers {
public:
    /// The users must live until `stop` has returned; nobody else may use them meanwhile.
    Pollers(asio::any_io_executor executor, std::vector<MatrixUser*> users);

    void start();
    Task<void> stop();

    std::size_t count() const { return users_.size(); }
    /// Waits until every user's next poll is on its way to the server.
    Task<void> wait_armed();
    bool armed() const { return armed_ == users_.size(); }

    /// From now on notes when a response that contains `marker` has arrived completely.
    void watch(std::string marker);
    /// Waits until every user has received the marker; the times in order of arrival.
    Task<std::vector<SteadyClock::time_point>> arrivals();

    /// Responses that brought something else than what was watched for, since the start.
    std::size_t other_responses() const { return other_responses_; }

private:
    Task<void> poll(MatrixUser& user);
    Task<void> wait_until(std::string what, std::function<bool()> condition);
    void changed();

    asio::any_io_executor executor_;
    std::vector<MatrixUser*> users_;
    asio::steady_timer changed_;  // cancelled to wake `wait_until`
    std::function<bool()> awaited_;
    std::size_t running_ = 0;
    std::size_t armed_ = 0;
    bool stopping_ = false;
    std::string marker_;
    std::vector<SteadyClock::time_point> arrivals_;
    std::size_t other_responses_ = 0;
    std::exception_ptr failure_;
};

}  // namespace weft::loadgen
