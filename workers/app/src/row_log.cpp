#include "row_log.hpp"

#include <chrono>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "weft/proto/replication/ascii_json.hpp"

namespace weft::workers {
namespace {

constexpr std::string_view kName = "{name}";

std::int64_t system_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

std::unique_ptr<RowLog> RowLog::from_environment(Streams& streams, const std::string& process) {
    const char* value = std::getenv("WEFT_ROW_LOG");
    if (value == nullptr || *value == '\0') return nullptr;
    std::string path{value};
    if (const auto at = path.find(kName); at != std::string::npos) path.replace(at, kName.size(), process);
    return std::unique_ptr<RowLog>{new RowLog{path, streams}};
}

RowLog::RowLog(const std::string& path, Streams& streams)
    : file_{::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)} {
    if (file_ < 0) throw std::system_error{errno, std::system_category(), "WEFT_ROW_LOG: " + path};
    write(fmt::format("# start {}\n", ::getpid()));
    for (auto* stream : streams.all()) observe(*stream);
}

RowLog::~RowLog() {
    ::close(file_);
}

void RowLog::observe(storage::StreamState& stream) {
    std::string lines;
    for (const auto& [instance, token] : stream.positions()) {
        lines += fmt::format("# position {} {} {}\n", stream.name(), instance, token);
    }
    write(lines);
    stream.set_observer([this, name = stream.name()](const std::string& instance, std::int64_t token,
                                                     const storage::StreamRows& rows) {
        std::string out;
        for (const auto& row : rows) {
            out += fmt::format("{} {} {} {} ", system_us(), name, instance, token);
            proto::replication::append_ascii_json(out, row);
            out += '\n';
        }
        write(out);
    });
}

void RowLog::write(const std::string& lines) const {
    if (lines.empty()) return;
    if (::write(file_, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) {
        throw std::system_error{errno, std::system_category(), "WEFT_ROW_LOG"};
    }
}

}  // namespace weft::workers
