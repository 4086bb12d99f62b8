#pragma once

#include <string>
#include <vector>

namespace weft::handlers {

struct ThumbnailerOutcome {
    enum class Code { kMade, kTooLarge, kFailed };
    Code code = Code::kFailed;
    std::string line;  // what it printed
};

/// Runs `weft-thumbnailer` from the directory of this program and waits for it. The program limits its own
/// time.
ThumbnailerOutcome run_thumbnailer(const std::vector<std::string>& arguments);

}  // namespace weft::handlers
