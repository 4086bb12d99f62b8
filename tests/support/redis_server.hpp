#pragma once

#include <string>

#include <sys/types.h>

#include "weft/core/config.hpp"

namespace weft::test {

/// A redis-server of the test's own, on a unix socket in a directory that goes with it.
class RedisServer {
public:
    explicit RedisServer(std::string password = {});
    ~RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    core::RedisConfig config() const;

    /// Returns once it answers. After the constructor only needed behind kill().
    void start();
    /// SIGKILL: connections end, and nothing is kept.
    void kill();
    /// It keeps its connections but neither reads nor answers.
    void freeze();
    void thaw();

private:
    std::string directory_;
    std::string password_;
    pid_t pid_ = 0;
};

}  // namespace weft::test
