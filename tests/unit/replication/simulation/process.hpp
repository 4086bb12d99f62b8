#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus.hpp"
#include "events_applier.hpp"
#include "network.hpp"
#include "weft/replication/backoff.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/storage/stream_state.hpp"
#include "witness.hpp"

namespace weft::replication::simulation {

/// A process: killed and started again, it remembers only what the database does.
class Process {
public:
    Process(World& world, std::string name, std::vector<std::string> subscriptions);
    ~Process();

    void start();
    void kill();
    bool is_up() const { return handler_ != nullptr; }
    const std::string& name() const { return name_; }
    ReplicationCommandHandler& handler() { return *handler_; }
    std::vector<std::shared_ptr<Wire>>& ends() { return ends_; }
    void on_end_closed(const std::shared_ptr<Wire>& end);
    /// Why this process has not caught up with the others, or "".
    std::string behind() const;

private:
    using Allocation = storage::StreamIdGenerator::Allocation;
    using Memory = std::map<int, std::pair<std::int64_t, int>>;  // subject -> token and row

    bool is_master() const { return name_ == "master"; }
    bool subscribed(const std::string& stream) const;
    void make_streams();
    storage::StreamState& make_state(const std::string& name);
    Stream bind(const std::string& name, storage::StreamState& state);
    void bind_events(StreamBindings& bindings, storage::StreamState& state);
    Task<Updates> fetch(StreamKey key, std::int64_t from, std::int64_t upto, std::size_t limit);
    Updates memory_updates(std::int64_t from, std::int64_t upto) const;
    void check_together(const std::string& stream, const std::string& instance);
    Task<void> load_events();
    void connect();
    void connect_to_bus();
    void write_something();
    void write(storage::StreamState& state);
    void write_in_memory(storage::StreamState& state);
    /// Runs `what` later, unless the process was killed meanwhile.
    void after(Time delay, std::function<void()> what);

    World& world_;
    std::string name_;
    std::vector<std::string> subscriptions_;
    std::uint64_t life_ = 0;
    std::map<std::string, storage::StreamState> states_;
    std::optional<workers::EventsApplier> applier_;
    Memory memory_;           // of the stream in memory, where it is written
    std::int64_t began_ = 0;  // its first token
    std::unique_ptr<ReplicationCommandHandler> handler_;
    std::optional<Witness> witness_;
    std::vector<std::shared_ptr<Wire>> ends_;
    Backoff backoff_;
};

}  // namespace weft::replication::simulation
