#include "weft/replication/shared_text.hpp"

#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

namespace weft::replication {

SharedText::SharedText(std::size_t capacity, bool as_file) : capacity_{capacity} {
    if (as_file) file_ = ::memfd_create("weft-relay-log", MFD_CLOEXEC);
    if (file_ >= 0 && ::ftruncate(file_, static_cast<off_t>(capacity)) == 0) {
        auto* const memory =
            ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file_, 0);
        if (memory != MAP_FAILED) {
            data_ = static_cast<char*>(memory);
            return;
        }
    }
    // Out of descriptors or mappings: the text is copied for each socket.
    if (file_ >= 0) ::close(file_);
    file_ = -1;
    data_ = new char[capacity];
}

SharedText::~SharedText() {
    if (file_ < 0) {
        delete[] data_;
        return;
    }
    ::munmap(data_, capacity_);
    ::close(file_);
}

void SharedText::append(std::string_view text) {
    std::memcpy(data_ + size_, text.data(), text.size());
    size_ += text.size();
}

}  // namespace weft::replication
