#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace weft::core {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

struct LogConfig {
    LogLevel level = LogLevel::kInfo;
    LogFormat format = LogFormat::kText;
};

/// Sets up the process's log on standard error. `process` stands in each line.
void init_logging(const LogConfig& config, std::string_view process);
bool log_enabled(LogLevel level);
/// Writes one line: time, level, process, area, current log context, message.
void log_line(LogLevel level, std::string_view area, std::string_view message);
/// Pushes out what is buffered; before exit.
void flush_logs();

template <class... Args>
void log_debug(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::kDebug)) log_line(LogLevel::kDebug, area, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::kInfo)) log_line(LogLevel::kInfo, area, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    log_line(LogLevel::kWarning, area, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    log_line(LogLevel::kError, area, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace weft::core
