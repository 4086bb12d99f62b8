#include "weft/core/log_context.hpp"

#include <atomic>
#include <ctime>

#include "weft/core/log.hpp"
#include "weft/core/metrics.hpp"

namespace weft::core {
namespace {

/// Time on the logic thread. Between a resumption and the next suspension nothing else runs on it, so this is its CPU time as
/// long as the machine does not preempt it; the true thread clock costs a system call of half a microsecond, twice for each step
/// of each coroutine.
std::int64_t running_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

thread_local LogContextPtr tls_current;
std::atomic<std::int64_t> misuse_count{0};

}  // namespace

ResourceUsage& ResourceUsage::operator+=(const ResourceUsage& other) {
    cpu_ns += other.cpu_ns;
    db_transactions += other.db_transactions;
    db_ns += other.db_ns;
    db_wait_ns += other.db_wait_ns;
    events_fetched += other.events_fetched;
    return *this;
}

LogContext::LogContext(std::string name, std::shared_ptr<LogContext> parent)
    : name_{std::move(name)}, parent_{std::move(parent)} {}

void LogContext::report_misuse(const char* what) const {
    ++misuse_count;
    static auto misuses = counter("weft_log_context_misuse_total", "Log contexts used after they finished or unevenly");
    misuses.increment();
    log_warning("core.log_context", "log context {} {}", name_, what);
}

void LogContext::finish() {
    if (finished_) report_misuse("was finished twice");
    finished_ = true;
}

void LogContext::add_usage(const ResourceUsage& usage) {
    for (auto* context = this; context; context = context->parent_.get()) context->usage_ += usage;
}

void LogContext::start() {
    // The coroutine that finishes its context still has to return through it: only a fresh start is misuse.
    if (finished_ && depth_ == 0) report_misuse("was used after it finished");
    if (depth_++ == 0) started_ns_ = running_ns();
}

void LogContext::stop() {
    if (depth_ == 0) {
        report_misuse("was stopped without having been started");
        return;
    }
    if (--depth_ > 0) return;
    ResourceUsage used;
    used.cpu_ns = running_ns() - started_ns_;
    add_usage(used);
}

const LogContextPtr& sentinel_context() {
    static const auto sentinel = std::make_shared<LogContext>("-");
    return sentinel;
}

const LogContextPtr& current_context() {
    if (!tls_current) tls_current = sentinel_context();
    return tls_current;
}

LogContextPtr set_current_context(LogContextPtr next) {
    auto previous = current_context();
    if (!next) next = sentinel_context();
    if (previous == next) return previous;
    // The sentinel stands for no work: it is shared by all threads and measures nothing.
    if (previous != sentinel_context()) previous->stop();
    tls_current = std::move(next);
    if (tls_current != sentinel_context()) tls_current->start();
    return previous;
}

std::int64_t log_context_misuse_count() { return misuse_count; }

boost::asio::any_io_executor with_context(boost::asio::any_io_executor inner, LogContextPtr context) {
    using Wrapped = ContextExecutor<boost::asio::any_io_executor>;
    // A context replaces the one before it instead of nesting, so chains of executors do not grow.
    if (const auto* wrapped = inner.target<Wrapped>()) return Wrapped{wrapped->inner(), std::move(context)};
    return Wrapped{std::move(inner), std::move(context)};
}

}  // namespace weft::core
