#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/evp.h>

#include "weft/handlers/media/media_files.hpp"

namespace weft::handlers {

[[noreturn]] void throw_errno(const std::string& what);

class FileDescriptor {
public:
    explicit FileDescriptor(int number) : number_{number} {}
    FileDescriptor(FileDescriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    FileDescriptor& operator=(FileDescriptor&&) = delete;
    ~FileDescriptor();
    explicit operator bool() const { return number_ >= 0; }
    int get() const { return number_; }

private:
    int number_;
};

/// Writes a new file and counts and hashes what goes into it; a file that is not finished is removed. Blocks.
class FileWriter {
public:
    explicit FileWriter(std::filesystem::path place);
    ~FileWriter();
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;

    void write(std::string_view bytes);
    /// All of it is on disk when this returns.
    WrittenFile finish();

private:
    struct FreeContext {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    FileDescriptor descriptor_;
    std::unique_ptr<EVP_MD_CTX, FreeContext> hash_;
    WrittenFile file_;
    bool finished_ = false;
};

/// Length and hash of a file that somebody else wrote. Blocks.
WrittenFile describe_file(const std::filesystem::path& place);
/// A name in a directory outlives a power failure only once the directory is on disk.
void sync_directory(const std::filesystem::path& directory);

}  // namespace weft::handlers
