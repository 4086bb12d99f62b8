#include "weft/core/log.hpp"

#include <atomic>

#include <boost/json/serialize.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "weft/core/log_context.hpp"

namespace weft::core {
namespace {

struct LogState {
    LogConfig config;
    std::string process = "weft";
    std::shared_ptr<spdlog::logger> logger = std::make_shared<spdlog::logger>("weft", std::make_shared<spdlog::sinks::stderr_sink_mt>());
};

LogState& state() {
    static LogState instance = [] {
        LogState fresh;
        fresh.logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %v");
        fresh.logger->set_level(spdlog::level::trace);
        return fresh;
    }();
    return instance;
}

std::string_view level_name(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return "DEBUG";
        case LogLevel::kInfo: return "INFO";
        case LogLevel::kWarning: return "WARNING";
        case LogLevel::kError: return "ERROR";
    }
    return "INFO";
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return spdlog::level::debug;
        case LogLevel::kInfo: return spdlog::level::info;
        case LogLevel::kWarning: return spdlog::level::warn;
        case LogLevel::kError: return spdlog::level::err;
    }
    return spdlog::level::info;
}

/// Log text may hold what a client sent: line breaks would forge log lines.
std::string single_line(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

void init_logging(const LogConfig& config, std::string_view process) {
    auto& log = state();
    log.config = config;
    log.process = process;
    // In JSON each line is one object; the time is a member of it.
    log.logger->set_pattern(config.format == LogFormat::kJson ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e",%v})" : "%Y-%m-%dT%H:%M:%S.%e %v");
    log.logger->flush_on(spdlog::level::info);
}

bool log_enabled(LogLevel level) { return level >= state().config.level; }

void log_line(LogLevel level, std::string_view area, std::string_view message) {
    auto& log = state();
    if (level < log.config.level) return;
    const auto& context = current_context()->name();
    if (log.config.format == LogFormat::kJson) {
        const auto quote = [](std::string_view text) { return boost::json::serialize(boost::json::string{text}); };
        log.logger->log(spdlog_level(level), fmt::format(R"("level":"{}","process":{},"area":{},"context":{},"message":{})",
                                                         level_name(level), quote(log.process), quote(area), quote(context),
                                                         quote(message)));
        return;
    }
    log.logger->log(spdlog_level(level),
                    fmt::format("{} [{}] {} - {} - {}", level_name(level), log.process, area, context, single_line(message)));
}

void flush_logs() { state().logger->flush(); }

}  // namespace weft::core
