#include "weft/storage/shared_positions.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weft::storage {
namespace {

constexpr std::string_view kMagic = "weftpos1";
constexpr std::size_t kNameBytesMax = 119;  // of stream and instance together, with a space between them
constexpr std::size_t kPlacesMax = 1'023;

static_assert(std::atomic<std::int64_t>::is_always_lock_free, "shared between processes");

[[noreturn]] void fail(const std::string& path) {
    throw std::system_error{errno, std::system_category(), "shared_positions_path: " + path};
}

/// One process at a time claims a place.
class FileLock {
public:
    explicit FileLock(int file) : file_{file} {
        while (::flock(file_, LOCK_EX) != 0) {
            if (errno != EINTR) throw std::system_error{errno, std::system_category(), "shared_positions_path: locking"};
        }
    }
    ~FileLock() { ::flock(file_, LOCK_UN); }
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

private:
    int file_;
};

}  // namespace

/// As it is in the file. A new file is all zeros, which is a valid one without places once it has its magic.
struct SharedPositions::Layout {
    struct Place {
        Position position;
        char name[kNameBytesMax + 1];  // "stream instance"
    };

    char magic[8];
    std::atomic<std::uint64_t> claimed;
    char unused[112];
    Place places[kPlacesMax];
};

SharedPositions::SharedPositions(const std::string& path) : file_{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)} {
    if (file_ < 0) fail(path);
    try {
        const FileLock lock{file_};
        struct stat found {};
        if (::fstat(file_, &found) != 0) fail(path);
        if (found.st_size == 0 && ::ftruncate(file_, sizeof(Layout)) != 0) fail(path);
        const bool is_usable = found.st_size == 0 || static_cast<std::size_t>(found.st_size) == sizeof(Layout);
        if (!is_usable) throw std::runtime_error{"shared_positions_path: " + path + " is another kind of file"};
        auto* const mapped = ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
        if (mapped == MAP_FAILED) fail(path);
        layout_ = static_cast<Layout*>(mapped);
        if (found.st_size == 0) std::memcpy(layout_->magic, kMagic.data(), kMagic.size());
        if (std::string_view{layout_->magic, sizeof layout_->magic} != kMagic || size() > kPlacesMax) {
            throw std::runtime_error{"shared_positions_path: " + path + " is another kind of file"};
        }
    } catch (...) {
        if (layout_ != nullptr) ::munmap(layout_, sizeof(Layout));
        ::close(file_);
        throw;
    }
}

SharedPositions::~SharedPositions() {
    ::munmap(layout_, sizeof(Layout));
    ::close(file_);
}

SharedPositions::Position* SharedPositions::claim(const std::string& stream, const std::string& instance) {
    const auto name = stream + " " + instance;
    if (name.size() > kNameBytesMax) return nullptr;
    const FileLock lock{file_};
    const auto claimed = size();
    for (std::size_t i = 0; i < claimed; ++i) {
        if (name == layout_->places[i].name) return &layout_->places[i].position;
    }
    if (claimed == kPlacesMax) return nullptr;
    auto& place = layout_->places[claimed];
    std::memcpy(place.name, name.c_str(), name.size() + 1);
    layout_->claimed.store(claimed + 1, std::memory_order_release);
    return &place.position;
}

std::size_t SharedPositions::size() const {
    return layout_->claimed.load(std::memory_order_acquire);
}

SharedPositions::Entry SharedPositions::at(std::size_t index) const {
    const auto& place = layout_->places[index];
    const std::string_view name{place.name};
    const auto space = name.find(' ');
    return {std::string{name.substr(0, space)}, std::string{name.substr(space + 1)}, &place.position};
}

}  // namespace weft::storage
