#include "media/thumbnailer_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media/file_writer.hpp"
#include "weft/core/log.hpp"

namespace weft::handlers {
namespace {

constexpr int kTooLargeStatus = 4;  // see thumbnailer/main.cpp

std::string program() {
    static const auto path =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "weft-thumbnailer";
    return path.string();
}

/// What the child gets: our pipe as standard output, nothing else, and signals as a program expects them.
class SpawnSettings {
public:
    explicit SpawnSettings(int output) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
    }
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    posix_spawn_file_actions_t* actions() { return &actions_; }
    posix_spawnattr_t* attributes() { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

std::string read_line(int descriptor) {
    std::string out;
    std::array<char, 256> piece{};
    for (;;) {
        const auto count = ::read(descriptor, piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0 || out.size() > 4096) break;
        out.append(piece.data(), static_cast<std::size_t>(count));
    }
    return out.substr(0, out.find('\n'));
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

ThumbnailerOutcome run_thumbnailer(const std::vector<std::string>& arguments) {
    auto name = program();
    std::vector<char*> argv{name.data()};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    std::array<char*, 1> environment{nullptr};

    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw_errno("cannot make a pipe");
    const FileDescriptor reading{pipe[0]};
    pid_t child = 0;
    {
        const FileDescriptor writing{pipe[1]};
        SpawnSettings settings{writing.get()};
        errno = ::posix_spawn(&child, name.c_str(), settings.actions(), settings.attributes(), argv.data(),
                              environment.data());
        if (errno != 0) throw_errno("cannot run " + name);
    }
    const auto line = read_line(reading.get());
    const int status = wait_for(child);
    if (status == 0 && !line.empty()) return {ThumbnailerOutcome::Code::kMade, line};
    if (status == kTooLargeStatus) return {ThumbnailerOutcome::Code::kTooLarge, ""};
    core::log_debug("media", "weft-thumbnailer ended with {}", status);
    return {};
}

}  // namespace weft::handlers
