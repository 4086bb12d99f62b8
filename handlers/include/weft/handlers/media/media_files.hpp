#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/async.hpp"
#include "weft/core/clock.hpp"
#include "weft/handlers/media/s3_store.hpp"
#include "weft/http/body.hpp"

namespace weft::handlers {

/// What was written, to be kept or forgotten.
struct WrittenFile {
    std::filesystem::path place;
    std::uint64_t length = 0;
    std::string sha256;  // in hex
};

/// An open file, and how to send it.
struct MediaFile {
    std::uint64_t length = 0;
    std::filesystem::path place;
    /// `length_` bytes from `offset` on, read while they are sent.
    http::BodyStreamPtr body(std::uint64_t offset, std::uint64_t length_) const;

    struct Handle;
    std::shared_ptr<Handle> handle;
};

/// The files of media: below a directory, and in an S3 store where one is configured; the directory is its
/// cache then. All work on files is done on threads of its own. Paths are relative (see media_paths).
class MediaFiles {
public:
    MediaFiles(const core::MediaConfig& config, const core::Clock& clock, asio::any_io_executor executor);
    ~MediaFiles();

    /// Takes a body to its end into a file without a name yet; what it throws, this throws.
    Task<WrittenFile> receive(http::BodyStreamPtr body);
    /// A place for a file that another program writes, and what it has become.
    Task<std::filesystem::path> new_place();
    Task<WrittenFile> adopt(std::filesystem::path place);
    /// Gives it its name, on disk to stay and in the S3 store.
    Task<void> keep(WrittenFile file, std::string path);
    Task<void> discard(WrittenFile file);

    /// Nothing if there is no such file.
    Task<std::optional<MediaFile>> open(std::string path);
    /// Whatever of these exists.
    Task<void> remove(std::vector<std::string> paths);
    /// What writers left behind that are gone for a day.
    Task<void> remove_leftovers();

private:
    core::CpuPool& threads();
    Task<std::optional<MediaFile>> open_local(std::string path);
    Task<bool> fetch(std::string path);

    std::filesystem::path root_;
    std::unique_ptr<core::CpuPool> threads_;  // made when first needed: most processes never touch a file
    std::unique_ptr<S3Store> s3_;
};

}  // namespace weft::handlers
