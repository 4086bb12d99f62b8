#include "weft/core/crash_point.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace weft::core {

void crash_point(std::string_view name) {
    static const char* const path = std::getenv("WEFT_TEST_CRASH_FILE");
    if (!path) return;
    std::ifstream file{path};
    std::string wanted;
    if (!std::getline(file, wanted) || wanted != name) return;
    // Of several processes that get here, the one that removes the file is meant.
    if (std::remove(path) == 0) std::raise(SIGKILL);
}

}  // namespace weft::core
