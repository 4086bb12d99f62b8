#include "redis_server.hpp"

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace weft::test {
namespace {

namespace asio = boost::asio;

bool answers(const std::string& path) {
    asio::io_context io;
    asio::local::stream_protocol::socket probe{io};
    boost::system::error_code error;
    probe.connect(asio::local::stream_protocol::endpoint{path}, error);
    return !error;
}

}  // namespace

RedisServer::RedisServer(std::string password) : password_{std::move(password)} {
    std::string pattern = "/tmp/weft-test-redis-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"cannot make a directory for Redis"};
    directory_ = pattern;
    start();
}

RedisServer::~RedisServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

core::RedisConfig RedisServer::config() const {
    core::RedisConfig config;
    config.enabled = true;
    config.path = directory_ + "/redis.sock";
    config.password = password_;
    return config;
}

void RedisServer::start() {
    const auto path = config().path;
    std::vector<std::string> words{"redis-server", "--port", "0",     "--unixsocket", path, "--save", "",
                                   "--appendonly", "no",     "--dir", directory_};
    if (!password_.empty()) words.insert(words.end(), {"--requirepass", password_});
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);

    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    const auto log = directory_ + "/log";
    ::posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&files, 1, 2);
    const auto failed = ::posix_spawnp(&pid_, "redis-server", &files, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::runtime_error{"redis-server cannot be started"};

    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!answers(path)) {
        if (std::chrono::steady_clock::now() > until || ::waitpid(pid_, nullptr, WNOHANG) == pid_)
            throw std::runtime_error{"redis-server does not answer"};
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
}

void RedisServer::kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

void RedisServer::freeze() {
    ::kill(pid_, SIGSTOP);
}

void RedisServer::thaw() {
    ::kill(pid_, SIGCONT);
}

}  // namespace weft::test
