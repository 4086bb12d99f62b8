#pragma once

#include <string_view>

namespace weft::core {

/// A place where a test may have this process killed, to see what is left behind. Does nothing unless the
/// environment names a file in WEFT_TEST_CRASH_FILE: the process that reaches the point written in that file
/// removes it and dies by SIGKILL. Any thread.
void crash_point(std::string_view name);

}  // namespace weft::core
