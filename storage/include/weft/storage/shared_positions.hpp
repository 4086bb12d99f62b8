#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weft::storage {

/// The newest visible token of each (stream, writer), in a file that the processes of one machine map into memory: a writer
/// stores its token there before it answers who asked it to write, and whoever reads at another process can tell without a
/// query whether that process has everything yet. A place is claimed once and kept for the life of the file.
class SharedPositions {
public:
    using Position = std::atomic<std::int64_t>;

    struct Entry {
        std::string stream;
        std::string instance;
        const Position* position;
    };

    /// Opens the file, or makes it. Throws std::runtime_error if it cannot be used or is something else.
    explicit SharedPositions(const std::string& path);
    ~SharedPositions();
    SharedPositions(const SharedPositions&) = delete;
    SharedPositions& operator=(const SharedPositions&) = delete;

    /// The place of a writer, new or found again. Null if the file has no more, or the names are too long for it. Throws
    /// std::system_error if the file cannot be locked.
    Position* claim(const std::string& stream, const std::string& instance);
    /// How many places are claimed; grows while processes come.
    std::size_t size() const;
    Entry at(std::size_t index) const;

private:
    struct Layout;

    int file_ = -1;
    Layout* layout_ = nullptr;
};

}  // namespace weft::storage
