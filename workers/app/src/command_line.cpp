#include "command_line.hpp"

#include <CLI/CLI.hpp>

#include "weft/workers/version.hpp"

namespace weft::workers {

std::optional<CommandLine> parse_command_line(int argc, char** argv, const ProcessKind& kind, int& exit_code) {
    CommandLine out;
    bool check = false;
    bool migrate = false;
    bool compact = false;
    bool routes = false;
    CLI::App app{"Weft, a Matrix homeserver: " + kind.name};
    app.set_version_flag("--version", std::string{"weft "} + std::string{kVersion});
    app.add_option("-c,--config", out.config_files, "Configuration file; may be repeated, later ones override")->type_name("FILE");
    auto* check_flag = app.add_flag("--check-config", check, "Check the configuration and exit");
    if (kind.kind == http::WorkerKind::kMaster) {
        app.add_flag("--migrate", migrate, "Bring the database up to date and exit")->excludes(check_flag);
        app.add_flag("--compact-state", compact, "Make the stored state groups smaller and exit; the server may be running")->excludes(check_flag);
        app.add_flag("--print-routes", routes, "Print the endpoint table as JSON and exit");
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error) == 0 ? 0 : 2;
        return std::nullopt;
    }
    if (routes) {
        out.action = Action::kPrintRoutes;
    } else if (migrate) {
        out.action = Action::kMigrate;
    } else if (compact) {
        out.action = Action::kCompactState;
    } else if (check) {
        out.action = Action::kCheckConfig;
    }
    return out;
}

}  // namespace weft::workers
