#include "weft/handlers/media/media_files.hpp"

#include <chrono>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/file_writer.hpp"
#include "weft/core/log.hpp"
#include "weft/core/random.hpp"

namespace weft::handlers {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kThreads = 2;
constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::string_view kIncoming = "incoming";
constexpr std::chrono::hours kLeftoverAge{24};

/// Reads a file piece by piece on the threads for files.
class FileBody final : public http::BodyStream {
public:
    FileBody(std::shared_ptr<MediaFile::Handle> file, std::uint64_t offset, std::uint64_t length)
        : file_{std::move(file)}, offset_{offset}, length_{length}, left_{length} {}
    Task<std::string> next() override;
    std::optional<std::uint64_t> length() const override { return length_; }

private:
    std::shared_ptr<MediaFile::Handle> file_;
    std::uint64_t offset_;
    std::uint64_t length_;
    std::uint64_t left_;
};

}  // namespace

struct MediaFile::Handle {
    Handle(FileDescriptor open, core::CpuPool& on) : descriptor{std::move(open)}, threads{on} {}
    FileDescriptor descriptor;
    core::CpuPool& threads;
};

namespace {

Task<std::string> FileBody::next() {
    if (left_ == 0) co_return std::string{};
    auto read = [file = file_, offset = offset_, wanted = std::min<std::uint64_t>(left_, kPieceBytes)] {
        std::string piece(static_cast<std::size_t>(wanted), '\0');
        const auto count =
            ::pread(file->descriptor.get(), piece.data(), piece.size(), static_cast<off_t>(offset));
        if (count < 0) throw_errno("cannot read a media file");
        piece.resize(static_cast<std::size_t>(count));
        return piece;
    };
    auto piece = co_await file_->threads.run(std::move(read));
    offset_ += piece.size();
    left_ -= piece.size();
    co_return piece;
}

}  // namespace

http::BodyStreamPtr MediaFile::body(std::uint64_t offset, std::uint64_t length_) const {
    return std::make_shared<FileBody>(handle, offset, length_);
}

MediaFiles::MediaFiles(const core::MediaConfig& config, const core::Clock& clock,
                       asio::any_io_executor executor)
    : root_{config.store_path} {
    if (config.s3.is_set()) s3_ = std::make_unique<S3Store>(config.s3, clock, std::move(executor));
}

MediaFiles::~MediaFiles() = default;

core::CpuPool& MediaFiles::threads() {
    if (!threads_) threads_ = std::make_unique<core::CpuPool>(kThreads);
    return *threads_;
}

Task<fs::path> MediaFiles::new_place() {
    const auto directory = root_ / kIncoming;
    co_await threads().run([directory] { fs::create_directories(directory); });
    co_return directory / core::random_alphanumeric(24);
}

Task<WrittenFile> MediaFiles::receive(http::BodyStreamPtr body) {
    const auto place = co_await new_place();
    auto writer = co_await threads().run([place] { return std::make_shared<FileWriter>(place); });
    for (;;) {
        auto piece = co_await body->next();
        if (piece.empty()) break;
        co_await threads().run([writer, piece = std::move(piece)] { writer->write(piece); });
    }
    co_return co_await threads().run([writer] { return writer->finish(); });
}

Task<WrittenFile> MediaFiles::adopt(fs::path place) {
    co_return co_await threads().run([place = std::move(place)] { return describe_file(place); });
}

Task<void> MediaFiles::keep(WrittenFile file, std::string path) {
    const auto target = root_ / path;
    co_await threads().run([place = file.place, target] {
        fs::create_directories(target.parent_path());
        fs::rename(place, target);
        sync_directory(target.parent_path());
    });
    if (!s3_) co_return;
    const auto stored = co_await open_local(path);
    if (!stored) throw std::runtime_error{"a media file went away: " + path};
    std::exception_ptr failure;
    try {
        co_await s3_->put(path, stored->body(0, stored->length), file.sha256);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    co_await threads().run([target] { fs::remove(target); });
    std::rethrow_exception(failure);
}

Task<void> MediaFiles::discard(WrittenFile file) {
    co_await threads().run([place = std::move(file.place)] {
        std::error_code ignored;
        fs::remove(place, ignored);
    });
}

Task<std::optional<MediaFile>> MediaFiles::open_local(std::string path) {
    auto& pool = threads();
    auto open = [place = root_ / path, &pool]() -> std::optional<MediaFile> {
        FileDescriptor descriptor{::open(place.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!descriptor) {
            if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
            throw_errno("cannot open " + place.string());
        }
        struct stat info {};
        if (::fstat(descriptor.get(), &info) != 0) throw_errno("cannot ask about " + place.string());
        MediaFile file;
        file.length = static_cast<std::uint64_t>(info.st_size);
        file.place = place;
        file.handle = std::make_shared<MediaFile::Handle>(std::move(descriptor), pool);
        return file;
    };
    co_return co_await pool.run(std::move(open));
}

Task<std::optional<MediaFile>> MediaFiles::open(std::string path) {
    auto file = co_await open_local(path);
    if (file || !s3_ || !co_await fetch(path)) co_return file;
    co_return co_await open_local(std::move(path));
}

Task<bool> MediaFiles::fetch(std::string path) {
    const auto place = co_await new_place();
    auto writer = co_await threads().run([place] { return std::make_shared<FileWriter>(place); });
    auto sink = [this, writer](std::string piece) -> Task<void> {
        return threads().run([writer, piece = std::move(piece)] { writer->write(piece); });
    };
    if (!co_await s3_->get(path, std::move(sink))) co_return false;
    co_await threads().run([writer, target = root_ / path] {
        const auto file = writer->finish();
        fs::create_directories(target.parent_path());
        fs::rename(file.place, target);
    });
    co_return true;
}

Task<void> MediaFiles::remove(std::vector<std::string> paths) {
    co_await threads().run([root = root_, paths] {
        for (const auto& path : paths) {
            std::error_code error;
            fs::remove(root / path, error);
            if (error) core::log_warning("media", "cannot remove {}: {}", path, error.message());
        }
    });
    if (!s3_) co_return;
    for (const auto& path : paths) co_await s3_->remove(path);
}

Task<void> MediaFiles::remove_leftovers() {
    co_await threads().run([directory = root_ / kIncoming] {
        std::error_code error;
        for (fs::directory_iterator entry{directory, error}, end; !error && entry != end;
             entry.increment(error)) {
            std::error_code ignored;
            const auto age = fs::file_time_type::clock::now() - entry->last_write_time(ignored);
            if (!ignored && age > kLeftoverAge) fs::remove(entry->path(), ignored);
        }
    });
}

}  // namespace weft::handlers
