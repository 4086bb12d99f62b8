#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/workers/process.hpp"

namespace weft::workers {

enum class Action { kServe, kCheckConfig, kMigrate, kCompactState, kPrintRoutes };

struct CommandLine {
    Action action = Action::kServe;
    std::vector<std::string> config_files;
};

/// Reads the arguments. Prints help, version or the mistake; then there is only an exit code.
std::optional<CommandLine> parse_command_line(int argc, char** argv, const ProcessKind& kind, int& exit_code);

}  // namespace weft::workers
