#include "status.hpp"

#include <fstream>

#include <unistd.h>

#include "weft/core/metrics.hpp"
#include "weft/workers/version.hpp"

namespace weft::workers {
namespace {

std::int64_t resident_bytes() {
    std::ifstream statm{"/proc/self/statm"};
    std::int64_t total = 0;
    std::int64_t resident = 0;
    statm >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

std::string_view name_of(ProcessState state) {
    switch (state) {
        case ProcessState::kStarting: return "starting";
        case ProcessState::kReady: return "ready";
        case ProcessState::kDraining: return "draining";
    }
    return "starting";
}

}  // namespace

StatusPage::StatusPage(const core::Clock& clock, std::string instance, ProcessKind kind,
                       const replication::ReplicationCommandHandler& replication)
    : clock_{clock},
      instance_{std::move(instance)},
      kind_{std::move(kind)},
      replication_{replication},
      link_state_{[] { return std::string{"master"}; }},
      started_ms_{clock.monotonic_ms()} {}

void StatusPage::register_on(http::Router& router) {
    const auto row = [](std::string path, std::string operation) {
        return http::Endpoint{.method = http::Method::kGet, .paths = {std::move(path)}, .operation = std::move(operation), .auth = http::Auth::kNone};
    };
    router.add(row("/health", "health"), std::bind_front(&StatusPage::get_health, this));
    router.add(row("/metrics", "metrics"), std::bind_front(&StatusPage::get_metrics, this));
    router.add(row("/_weft/status", "status"), std::bind_front(&StatusPage::get_status, this));
}

Task<http::Response> StatusPage::get_health(http::Request) {
    co_return http::Response::json(boost::json::object{{"status", name_of(state_)}}, state_ == ProcessState::kReady ? 200 : 503);
}

Task<http::Response> StatusPage::get_metrics(http::Request) {
    static auto resident = core::gauge("process_resident_memory_bytes", "Resident memory size in bytes");
    resident.set(static_cast<double>(resident_bytes()));
    replication_.sample_metrics();
    http::Response response{200, core::render_metrics()};
    response.content_type = "text/plain; version=0.0.4";
    co_return response;
}

Task<http::Response> StatusPage::get_status(http::Request) {
    boost::json::array streams;
    for (const auto& feed : replication_.feed_status()) {
        streams.push_back(boost::json::object{{"stream", feed.key.stream},
                                              {"instance", feed.key.instance},
                                              {"position", feed.position},
                                              {"latest", feed.latest},
                                              {"connected", feed.written_here || feed.connected},
                                              {"behind_ms", feed.behind_ms}});
    }
    co_return http::Response::json(boost::json::object{
        {"name", instance_},
        {"kind", kind_.name},
        {"pid", getpid()},
        {"uptime_s", static_cast<double>(clock_.monotonic_ms() - started_ms_) / 1000.0},
        {"rss_bytes", resident_bytes()},
        {"version", kVersion},
        {"state", name_of(state_)},
        {"replication", boost::json::object{{"state", link_state_()}}},
        {"streams", std::move(streams)}});
}

}  // namespace weft::workers
