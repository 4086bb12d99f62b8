#pragma once

#include <optional>
#include <string>
#include <vector>

#include "streams.hpp"
#include "weft/core/async.hpp"
#include "weft/core/config.hpp"
#include "weft/core/metrics.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/storage/shared_positions.hpp"

namespace weft::workers {

/// Whoever reads after a write was acknowledged sees what was written, whichever process of this machine wrote and whichever is
/// asked: a request that comes here waits until what all processes have announced by then has been applied here too. Mostly it
/// has; without replication nobody waits for it more than once. Closed at the start until it is known where writers are. Logic
/// thread only.
class ReadFence {
public:
    /// After the streams were seeded; what this process writes is announced from now on. Throws std::runtime_error if the file of
    /// `shared_positions_path` cannot be used.
    ReadFence(asio::any_io_executor executor, const core::Config& config, Streams& streams);

    /// Until each writer has reached, by its own word, what the database had of it when the streams were seeded, or it took too
    /// long. That may pass over a smaller token which is still open: a client that was given such a position would never hear of
    /// what is committed there.
    Task<void> learn_positions(replication::ReplicationCommandHandler& replication);

    /// Nothing that was announced is missing here.
    bool is_open();
    /// Until what has been announced by now is here, or it took too long.
    Task<void> wait();

private:
    /// Another process's writing of one stream.
    struct Source {
        const storage::StreamState* stream;
        std::string instance;
        const storage::SharedPositions::Position* announced;
        /// It was waited for in vain: nobody waits again before it has caught up.
        std::optional<std::int64_t> given_up = {};

        bool is_behind(std::int64_t token) const { return stream->position(instance) < token; }
    };
    struct Missing {
        std::size_t source;
        std::int64_t token;
    };

    void announce(storage::StreamState& stream, bool is_told);
    void learn();
    std::vector<Missing> missing();

    Streams& streams_;
    bool knows_positions_ = false;
    core::Signal positions_known_;
    std::optional<storage::SharedPositions> positions_;
    std::size_t known_ = 0;  // how many places of the file we have looked at
    std::vector<Source> sources_;
    core::Signal moved_;
    core::Counter waits_;
    core::Counter given_up_;
};

}  // namespace weft::workers
