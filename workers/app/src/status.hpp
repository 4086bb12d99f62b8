#pragma once

#include <functional>
#include <string>

#include "weft/core/clock.hpp"
#include "weft/http/router.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/workers/process.hpp"

namespace weft::workers {

enum class ProcessState { kStarting, kReady, kDraining };

/// What a process says about itself on its metrics listener: GET /health, /metrics and /_weft/status.
class StatusPage {
public:
    StatusPage(const core::Clock& clock, std::string instance, ProcessKind kind, const replication::ReplicationCommandHandler& replication);

    void register_on(http::Router& router);
    void set_state(ProcessState state) { state_ = state; }
    ProcessState state() const { return state_; }
    /// Names the state of the link to the master; "master" in the master itself.
    void set_link_state(std::function<std::string()> link_state) { link_state_ = std::move(link_state); }

private:
    Task<http::Response> get_health(http::Request request);
    Task<http::Response> get_metrics(http::Request request);
    Task<http::Response> get_status(http::Request request);

    const core::Clock& clock_;
    std::string instance_;
    ProcessKind kind_;
    const replication::ReplicationCommandHandler& replication_;
    std::function<std::string()> link_state_;
    std::int64_t started_ms_;
    ProcessState state_ = ProcessState::kStarting;
};

}  // namespace weft::workers
