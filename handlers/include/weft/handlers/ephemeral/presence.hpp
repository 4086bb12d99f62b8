#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/replication/rpc.hpp"
#include "weft/storage/presence_store.hpp"
#include "weft/storage/profile_store.hpp"

namespace weft::handlers {

/// Presence in any process: what users' states are, and telling the writer what happens here. The writer of the presence
/// stream keeps the timers (replication.md §8); other processes report syncing users with USER_SYNC on edges only.
class Presence {
public:
    Presence(asio::any_io_executor executor, const core::Config& config, const core::Clock& clock, storage::PresenceStore& store,
             replication::RpcClient& rpc);
    ~Presence();

    bool enabled() const;
    /// Start-up: loads the states that are not offline; in the writer starts the timers.
    Task<void> start();
    Task<void> stop();

    /// A sync of the user begins and, when the guard goes, ends here. `state` is set_presence of the request;
    /// "offline" does not count. Edges are reported to the writer, ends with a delay so that the next poll hides them.
    class [[nodiscard]] SyncGuard {
    public:
        SyncGuard(SyncGuard&&) noexcept;
        ~SyncGuard();

    private:
        friend class Presence;
        struct State;
        explicit SyncGuard(std::unique_ptr<State> state);
        std::unique_ptr<State> state_;
    };
    SyncGuard user_syncs(const std::string& user_id, const std::string& state);
    /// The user did something (sent a message …). Cheap; at most one call in half a minute reaches the writer, so that
    /// somebody who goes on does not seem to pause.
    void user_active(const std::string& user_id);

    /// PUT /presence/{userId}/status, from any process.
    Task<void> set_state(std::string user_id, std::string state, std::optional<std::string> status_msg, bool keep_status_msg);
    /// Known states of users; users without one are left out.
    Task<std::vector<storage::PresenceState>> states(std::vector<std::string> users);
    /// `content` of an m.presence event (last_active_ago, currently_active …), with the user's profile if given.
    boost::json::object content(const storage::PresenceState& state, const storage::Profile* profile = nullptr) const;
    /// Profiles of the local users among them, by user ID.
    Task<std::unordered_map<std::string, storage::Profile>> profiles_of(std::vector<storage::PresenceState> states);
    /// The user's profile is another now: those who see them are told anew.
    void profile_changed(const std::string& user_id);
    void use_profiles(storage::ProfileStore& profiles);

    /// Sends USER_SYNC of this process; set by the composing process (null in the writer, which needs no telling).
    void set_reporter(std::function<void(const std::string& user_id, bool syncing, std::int64_t last_sync_ms)> reporter);
    /// Users who sync here now, for a new connection to the writer.
    std::vector<std::string> currently_syncing() const;

    /// Writer only: what other processes say.
    Task<void> on_user_sync(std::string instance_id, std::string user_id, bool syncing, std::int64_t last_sync_ms, bool replace_all);
    Task<void> on_clear_user_syncs(std::string instance_id);
    /// Writer only: the connection of a process was lost; its users go after a grace.
    Task<void> on_source_lost(std::string instance_id);
    /// Writer only: answers presence_set_state, bump_presence_active_time and weft_presence_tell_again.
    void serve(replication::RpcServer& server);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace weft::handlers
