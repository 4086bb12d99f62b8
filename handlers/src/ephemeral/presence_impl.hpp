#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/core/linearizer.hpp"
#include "weft/handlers/ephemeral/presence.hpp"
#include "weft/handlers/ephemeral/presence_machine.hpp"
#include "weft/handlers/ephemeral/syncing_users.hpp"

namespace weft::handlers {

/// What presence is made of: states as the stream tells them (every process), users who sync here (every
/// process), and the writer's machine with its way into the database.
struct Presence::Impl {
    Impl(asio::any_io_executor executor, const core::Config& config, const core::Clock& clock,
         storage::PresenceStore& store, replication::RpcClient& rpc);

    void on_rows(const storage::StreamRows& rows);
    Task<void> load();
    Task<void> run_timers();
    std::vector<storage::PresenceState> known(const std::vector<std::string>& users,
                                              std::vector<std::string>& missing);

    // Syncs here.
    void sync_began(const std::string& user_id, const SyncingUsers::Begun& begun);
    Task<void> announce_presence(std::string user_id, SyncingUsers::Begun begun);
    void report_left();
    bool throttled(const std::string& user_id);
    Task<void> bump(std::string user_id);
    Task<void> tell_again(std::string user_id);

    // The writer.
    /// Applies `fact` once the user's stored state is known; facts of one user keep their order.
    Task<void> with_user(std::string user_id, std::function<void()> fact);
    Task<void> set_state_here(std::string user_id, std::string state, std::optional<std::string> status_msg,
                              bool keep_status_msg);
    /// Stores and tells what has changed, in batches.
    Task<void> persist();
    /// The same, without waiting.
    void persist_soon();
    Task<void> persist_in_background();

    const bool enabled;
    const bool is_writer;
    const std::string writer;
    const std::string server_name;
    storage::ProfileStore* profiles = nullptr;
    const core::Clock& clock;
    storage::PresenceStore& store;
    replication::RpcClient& rpc;
    std::function<void(const std::string&, bool, std::int64_t)> reporter;

    /// Everybody who is not offline, and those who went offline lately.
    std::unordered_map<std::string, storage::PresenceState> present;
    core::Cache<std::string, storage::PresenceState> went_offline;

    SyncingUsers syncing;
    std::unordered_map<std::string, std::int64_t> bumped_ms;  // of the last half minute
    std::int64_t next_bump_sweep_ms = 0;

    PresenceMachine machine;
    core::Linearizer facts;
    core::Linearizer writes;
    bool persisting = false;

    core::BackgroundTasks tasks;
};

struct Presence::SyncGuard::State {
    State(std::weak_ptr<Impl> impl, std::string user, bool is_online)
        : presence{std::move(impl)}, user_id{std::move(user)}, online{is_online} {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (const auto alive = presence.lock()) alive->syncing.end(user_id, online, alive->clock.now_ms());
    }

    std::weak_ptr<Impl> presence;
    std::string user_id;
    bool online;
};

}  // namespace weft::handlers
