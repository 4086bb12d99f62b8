#pragma once

#include <memory>
#include <string>

#include "streams.hpp"

namespace weft::workers {

/// What the process applied, for tests: with WEFT_ROW_LOG=FILE in the environment (`{name}` in it stands for
/// the process) each row that was applied (its own rows too) is a line `MICROSECONDS STREAM INSTANCE TOKEN
/// ROW` of that file. A start adds `# start PID` and, for each position that was read from the database, `#
/// position STREAM INSTANCE TOKEN`. Lines are written one by one, so a process that is killed loses none.
class RowLog {
public:
    /// Null unless the environment asks for it. After the streams were seeded; they must not outlive it.
    static std::unique_ptr<RowLog> from_environment(Streams& streams, const std::string& process);
    ~RowLog();
    RowLog(const RowLog&) = delete;
    RowLog& operator=(const RowLog&) = delete;

private:
    RowLog(const std::string& path, Streams& streams);
    void observe(storage::StreamState& stream);
    void write(const std::string& lines) const;

    int file_ = -1;
};

}  // namespace weft::workers
