#pragma once

#include <cstddef>
#include <string_view>

namespace weft::replication {

/// A piece of memory that text is appended to and that never moves. It can be a file without a name: then the
/// kernel sends the same pages to many sockets (sendfile) instead of copying them for each. What was appended
/// is never changed: it may still be on its way.
class SharedText {
public:
    /// `as_file` falls back to plain memory where such a file cannot be had.
    SharedText(std::size_t capacity, bool as_file);
    ~SharedText();
    SharedText(const SharedText&) = delete;
    SharedText& operator=(const SharedText&) = delete;

    /// `text` must fit.
    void append(std::string_view text);
    const char* data() const { return data_; }
    std::size_t size() const { return size_; }
    std::size_t capacity() const { return capacity_; }
    /// The file's descriptor, or -1: `data()` is its content from the beginning.
    int file() const { return file_; }

private:
    char* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    int file_ = -1;
};

}  // namespace weft::replication
