#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "weft/core/config.hpp"

namespace weft::test {

/// Certificates made by `weft certs`, in a directory that goes with them.
class Certificates {
public:
    /// `names` as `weft certs` takes them; `top` is the top of the source tree.
    Certificates(const std::string& top, const std::string& names) {
        std::string pattern = std::filesystem::temp_directory_path() / "weft-test-certs-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"cannot make a directory"};
        directory_ = pattern;
        const auto command =
            "WEFT_SKIP_DEPS=1 " + top + "/weft certs " + directory_ + " " + names + " >/dev/null";
        if (std::system(command.c_str()) != 0) throw std::runtime_error{"weft certs failed"};
    }
    ~Certificates() {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    std::string file(const std::string& name) const { return directory_ + "/" + name; }
    core::TlsConfig of(const std::string& name) const {
        return {file("ca.crt"), file(name + ".crt"), file(name + ".key")};
    }

private:
    std::string directory_;
};

}  // namespace weft::test
