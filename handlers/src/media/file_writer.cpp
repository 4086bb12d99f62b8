#include "media/file_writer.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "media/hex.hpp"

namespace weft::handlers {
namespace {

namespace fs = std::filesystem;

int create(const fs::path& place) {
    const int number = ::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (number < 0) throw_errno("cannot create " + place.string());
    return number;
}

std::string digest(EVP_MD_CTX* context) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context, bytes.data(), &size);
    return to_hex(std::string_view{reinterpret_cast<const char*>(bytes.data()), size});
}

}  // namespace

void throw_errno(const std::string& what) {
    throw std::system_error{errno, std::generic_category(), what};
}

FileDescriptor::~FileDescriptor() {
    if (number_ >= 0) ::close(number_);
}

FileWriter::FileWriter(fs::path place) : descriptor_{create(place)}, hash_{EVP_MD_CTX_new()} {
    file_.place = std::move(place);
    EVP_DigestInit_ex(hash_.get(), EVP_sha256(), nullptr);
}

FileWriter::~FileWriter() {
    std::error_code ignored;
    if (!finished_) fs::remove(file_.place, ignored);
}

void FileWriter::write(std::string_view bytes) {
    EVP_DigestUpdate(hash_.get(), bytes.data(), bytes.size());
    file_.length += bytes.size();
    while (!bytes.empty()) {
        const auto count = ::write(descriptor_.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw_errno("cannot write " + file_.place.string());
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

WrittenFile FileWriter::finish() {
    if (::fdatasync(descriptor_.get()) != 0) throw_errno("cannot write " + file_.place.string());
    file_.sha256 = digest(hash_.get());
    finished_ = true;
    return file_;
}

WrittenFile describe_file(const fs::path& place) {
    const FileDescriptor descriptor{::open(place.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!descriptor) throw_errno("cannot open " + place.string());
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> hash{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
    EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
    WrittenFile file;
    file.place = place;
    std::array<char, 64 * 1024> piece{};
    for (;;) {
        const auto count = ::read(descriptor.get(), piece.data(), piece.size());
        if (count < 0) throw_errno("cannot read " + place.string());
        if (count == 0) break;
        file.length += static_cast<std::uint64_t>(count);
        EVP_DigestUpdate(hash.get(), piece.data(), static_cast<std::size_t>(count));
    }
    file.sha256 = digest(hash.get());
    return file;
}

void sync_directory(const fs::path& directory) {
    const FileDescriptor descriptor{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (descriptor) ::fsync(descriptor.get());
}

}  // namespace weft::handlers
