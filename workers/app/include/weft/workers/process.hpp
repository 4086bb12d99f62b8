#pragma once

#include <string>

#include "weft/http/router.hpp"

namespace weft::workers {

/// What tells one kind of process from another: its name and its duties. Everything else is the same program.
struct ProcessKind {
    std::string name;  // master, synchrotron, client_reader, event_persister
    std::string app;   // worker_app in the configuration
    http::WorkerKind kind = http::WorkerKind::kMaster;
};

/// The `main` of every binary: command line, configuration, start-up, service until SIGTERM or SIGINT, shutdown.
/// Exit codes: 0 stopped, 1 failed, 2 wrong usage or configuration.
int run_process(int argc, char** argv, const ProcessKind& kind);

}  // namespace weft::workers
