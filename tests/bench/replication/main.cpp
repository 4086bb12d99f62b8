// weft-replication-load: the other ends of the replication benchmark's connections. Each command prints one
// JSON object.
#include <csignal>
#include <exception>
#include <map>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>

#include "commit_writer.hpp"
#include "listener.hpp"
#include "relay_load.hpp"
#include "relay_server.hpp"
#include "row_writer.hpp"

namespace {

using namespace weft::bench;

int perform(const CLI::App& app, const RelayLoad& relay, const RowLoad& rows, const CommitLoad& commits) {
    if (app.got_subcommand("serve")) {
        serve_relay();
        return 0;
    }
    if (app.got_subcommand("listen")) {
        listen_to(rows.port, commits.server_name, rows.streams);
        return 0;
    }
    boost::json::object answer;
    if (app.got_subcommand("relay")) {
        answer = measure_relay(relay);
    } else if (app.got_subcommand("rows")) {
        answer = send_rows(rows);
    } else {
        answer = write_and_announce(commits);
    }
    fmt::print("{}\n", boost::json::serialize(answer));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Writers and subscribers for the replication benchmark."};
    app.require_subcommand(1);

    RelayLoad relay;
    auto* relay_command = app.add_subcommand("relay", "One writer, many subscribers of a relay");
    const std::map<std::string, Relay> kinds{{"weft", Relay::kWeft}, {"redis", Relay::kRedis}};
    relay_command->add_option("--kind", relay.relay, "What relays")
        ->transform(CLI::CheckedTransformer(kinds));
    relay_command->add_option("--port", relay.port)->required();
    relay_command->add_option("--pid", relay.pid, "The relaying process")->required();
    relay_command->add_option("--subscribers", relay.subscribers)->capture_default_str();
    relay_command->add_option("--lines", relay.lines)->capture_default_str();
    relay_command->add_option("--line-bytes", relay.line_bytes)->capture_default_str();
    relay_command->add_option("--window", relay.window, "Lines under way at most")->capture_default_str();
    relay_command->add_option("--rate", relay.rate, "Lines a second; 0: as fast as possible");
    relay_command->add_option("--first-token", relay.first_token)->capture_default_str();

    app.add_subcommand("serve", "A relay and nothing else; ends with standard input");

    RowLoad rows;
    auto* rows_command = app.add_subcommand("rows", "Rows for processes that listen");
    rows_command->add_option("--port", rows.port)->required();
    rows_command->add_option("--pid", rows.pids, "Processes to measure")->required();
    rows_command->add_option("--streams", rows.streams)->delimiter(',')->required();
    rows_command->add_option("--rows", rows.rows)->capture_default_str();
    rows_command->add_option("--rate", rows.rate)->capture_default_str();
    rows_command->add_option("--first-token", rows.first_token)->capture_default_str();

    CommitLoad commits;
    auto* listen_command =
        app.add_subcommand("listen", "A worker that wants some streams; ends with standard input");
    listen_command->add_option("--port", rows.port)->required();
    listen_command->add_option("--server-name", commits.server_name)->required();
    listen_command->add_option("--streams", rows.streams)->delimiter(',')->required();

    auto* commits_command = app.add_subcommand("commits", "Commits rows and announces them");
    commits_command->add_option("--port", commits.port)->required();
    commits_command->add_option("--server-name", commits.server_name)->required();
    commits_command->add_option("--database-host", commits.host)->required();
    commits_command->add_option("--database-user", commits.user)->required();
    commits_command->add_option("--database", commits.database)->required();
    commits_command->add_option("--rate", commits.rate)->capture_default_str();
    commits_command->add_option("--seconds", commits.seconds)->capture_default_str();

    CLI11_PARSE(app, argc, argv);
    std::signal(SIGPIPE, SIG_IGN);  // a peer may be gone
    try {
        return perform(app, relay, rows, commits);
    } catch (const std::exception& problem) {
        fmt::print(stderr, "{}\n", problem.what());
        return 1;
    }
}
