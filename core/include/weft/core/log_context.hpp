#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

namespace weft::core {

/// What a unit of work has used so far.
struct ResourceUsage {
    std::int64_t cpu_ns = 0;  // on the logic thread
    std::int64_t db_transactions = 0;
    std::int64_t db_ns = 0;        // inside a transaction, on a database thread
    std::int64_t db_wait_ns = 0;   // waiting for a database thread
    std::int64_t events_fetched = 0;

    ResourceUsage& operator+=(const ResourceUsage& other);
};

/// Who some work is done for: a request, a replication connection, a background process. Carries a name for log lines
/// and collects usage. Lives on the logic thread.
///
/// A context is *current* while code of its coroutine runs: ContextExecutor starts it on each resumption and stops it
/// on each suspension, so starts and stops are symmetric however often the coroutine waits. At stop the usage since
/// start is added to the context and to all its parents.
class LogContext {
public:
    explicit LogContext(std::string name, std::shared_ptr<LogContext> parent = nullptr);

    const std::string& name() const { return name_; }
    const std::shared_ptr<LogContext>& parent() const { return parent_; }
    const ResourceUsage& usage() const { return usage_; }
    bool finished() const { return finished_; }

    /// The work is done: using the context from now on is reported as a bug (log line and counter).
    void finish();
    /// Adds usage that was measured elsewhere, e.g. on a database thread; passed on to the parents.
    void add_usage(const ResourceUsage& usage);

    /// Work of this context begins or ends on this thread. Calls must alternate; violations are reported.
    void start();
    void stop();

private:
    void report_misuse(const char* what) const;

    std::string name_;
    std::shared_ptr<LogContext> parent_;
    ResourceUsage usage_;
    std::int64_t started_ns_ = 0;
    int depth_ = 0;
    bool finished_ = false;
};

using LogContextPtr = std::shared_ptr<LogContext>;

/// The process-wide context that stands for "none": what runs outside any named work.
const LogContextPtr& sentinel_context();
/// The context whose work runs on this thread now; the sentinel where there is none.
const LogContextPtr& current_context();
/// Makes `next` current, stopping the old one and starting `next`; returns the old one.
LogContextPtr set_current_context(LogContextPtr next);

/// How often contexts were misused since the process started (finished context used, unbalanced start/stop).
std::int64_t log_context_misuse_count();

/// Makes a context current for a scope.
class ContextScope {
public:
    explicit ContextScope(LogContextPtr context) : previous_{set_current_context(std::move(context))} {}
    ~ContextScope() { set_current_context(std::move(previous_)); }
    ContextScope(const ContextScope&) = delete;
    ContextScope& operator=(const ContextScope&) = delete;

private:
    LogContextPtr previous_;
};

/// An executor that runs everything with one log context current: a coroutine spawned on it carries its context across
/// every suspension, and so do the coroutines it awaits.
template <class Inner>
class ContextExecutor {
public:
    ContextExecutor(Inner inner, LogContextPtr context) : inner_{std::move(inner)}, context_{std::move(context)} {}

    const LogContextPtr& context() const { return context_; }
    const Inner& inner() const { return inner_; }

    template <class Property>
    auto query(const Property& property) const -> decltype(boost::asio::query(std::declval<const Inner&>(), property)) {
        return boost::asio::query(inner_, property);
    }
    template <class Property>
    auto require(const Property& property) const
        -> ContextExecutor<std::decay_t<decltype(boost::asio::require(std::declval<const Inner&>(), property))>> {
        return {boost::asio::require(inner_, property), context_};
    }
    template <class Property>
    auto prefer(const Property& property) const
        -> ContextExecutor<std::decay_t<decltype(boost::asio::prefer(std::declval<const Inner&>(), property))>> {
        return {boost::asio::prefer(inner_, property), context_};
    }

    template <class Function>
    void execute(Function function) const {
        inner_.execute(Run<Function>{std::move(function), context_});
    }

    friend bool operator==(const ContextExecutor& a, const ContextExecutor& b) noexcept {
        return a.inner_ == b.inner_ && a.context_ == b.context_;
    }
    friend bool operator!=(const ContextExecutor& a, const ContextExecutor& b) noexcept { return !(a == b); }

private:
    template <class Function>
    struct Run {
        Function function;
        LogContextPtr context;
        void operator()() {
            const ContextScope scope{context};
            std::move(function)();
        }
    };

    Inner inner_;
    LogContextPtr context_;
};

/// `inner` with `context` current whenever something runs on it.
boost::asio::any_io_executor with_context(boost::asio::any_io_executor inner, LogContextPtr context);

}  // namespace weft::core
