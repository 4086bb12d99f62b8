#include "weft/handlers/ephemeral/presence.hpp"

#include <algorithm>

#include "ephemeral/presence_impl.hpp"
#include "ephemeral/presence_rpc.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {

using storage::PresenceState;

Presence::Presence(asio::any_io_executor executor, const core::Config& config, const core::Clock& clock,
                   storage::PresenceStore& store, replication::RpcClient& rpc)
    : impl_{std::make_shared<Impl>(std::move(executor), config, clock, store, rpc)} {
    if (!impl_->enabled) return;
    store.stream().on_invalidate(
        [impl = std::weak_ptr{impl_}](std::int64_t, const storage::StreamRows& rows) {
            if (const auto alive = impl.lock()) alive->on_rows(rows);
        });
}

Presence::~Presence() = default;

bool Presence::enabled() const {
    return impl_->enabled;
}

Task<void> Presence::start() {
    const auto impl = impl_;
    if (!impl->enabled) co_return;
    co_await impl->load();
    impl->tasks.spawn("presence_timers", [impl = impl.get()] { return impl->run_timers(); });
}

Task<void> Presence::stop() {
    const auto impl = impl_;
    co_await impl->tasks.stop();
    if (impl->enabled && impl->is_writer) co_await impl->persist();
}

Presence::SyncGuard::SyncGuard(std::unique_ptr<State> state) : state_{std::move(state)} {}
Presence::SyncGuard::SyncGuard(SyncGuard&&) noexcept = default;
Presence::SyncGuard::~SyncGuard() = default;

Presence::SyncGuard Presence::user_syncs(const std::string& user_id, const std::string& state) {
    if (!impl_->enabled || state == "offline") return SyncGuard{nullptr};
    const bool online = state != "unavailable";
    const auto begun = impl_->syncing.begin(user_id, online);
    if (begun.anything()) impl_->sync_began(user_id, begun);
    return SyncGuard{std::make_unique<SyncGuard::State>(impl_, user_id, online)};
}

void Presence::user_active(const std::string& user_id) {
    if (!impl_->enabled || impl_->throttled(user_id)) return;
    impl_->tasks.spawn("presence_user_active", [impl = impl_.get(), user_id] { return impl->bump(user_id); });
}

Task<void> Presence::set_state(std::string user_id, std::string state, std::optional<std::string> status_msg,
                               bool keep_status_msg) {
    const auto impl = impl_;
    if (!impl->enabled) co_return;
    if (impl->is_writer) {
        co_await impl->set_state_here(std::move(user_id), std::move(state), std::move(status_msg),
                                      keep_status_msg);
        co_return;
    }
    auto body = presence_rpc::SetState{std::move(state), std::move(status_msg), keep_status_msg}.to_json();
    replication::RpcArgs args{std::move(user_id)};
    co_await impl->rpc.call(presence_rpc::set_state_endpoint(), impl->writer, std::move(args),
                            std::move(body));
}

Task<std::vector<PresenceState>> Presence::states(std::vector<std::string> users) {
    const auto impl = impl_;
    if (!impl->enabled) co_return std::vector<PresenceState>{};
    std::vector<std::string> missing;
    auto states = impl->known(users, missing);
    if (missing.empty()) co_return states;
    for (auto& [user_id, state] : co_await impl->store.get(std::move(missing))) states.push_back(state);
    co_return states;
}

Task<std::unordered_map<std::string, storage::Profile>> Presence::profiles_of(std::vector<PresenceState> states) {
    std::unordered_map<std::string, storage::Profile> out;
    if (impl_->profiles == nullptr) co_return out;
    std::vector<std::string> localparts;
    for (const auto& state : states) {
        const auto user_id = proto::UserId::trusted(state.user_id);
        if (user_id.server_name() == impl_->server_name) localparts.emplace_back(user_id.localpart());
    }
    for (auto& [localpart, profile] : co_await impl_->profiles->get_many(std::move(localparts))) {
        out.emplace("@" + localpart + ":" + impl_->server_name, std::move(profile));
    }
    co_return out;
}

void Presence::profile_changed(const std::string& user_id) {
    if (!impl_->enabled) return;
    impl_->tasks.spawn("presence_profile_changed", [impl = impl_.get(), user_id] { return impl->tell_again(user_id); });
}

void Presence::use_profiles(storage::ProfileStore& profiles) {
    impl_->profiles = &profiles;
}

boost::json::object Presence::content(const PresenceState& state, const storage::Profile* profile) const {
    boost::json::object content{{"presence", state.state}};
    if (profile && profile->displayname) content["displayname"] = *profile->displayname;
    if (profile && profile->avatar_url) content["avatar_url"] = *profile->avatar_url;
    if (state.last_active_ts > 0) {
        auto ago = std::max<std::int64_t>(0, impl_->clock.now_ms() - state.last_active_ts);
        // While somebody is active their later actions are not replicated, but known to be recent.
        if (state.currently_active) ago = std::min(ago, PresenceMachine::kActiveMs);
        content["last_active_ago"] = ago;
    }
    if (state.status_msg) content["status_msg"] = *state.status_msg;
    if (state.state == "online") content["currently_active"] = state.currently_active;
    return content;
}

void Presence::set_reporter(std::function<void(const std::string&, bool, std::int64_t)> reporter) {
    impl_->reporter = std::move(reporter);
}

std::vector<std::string> Presence::currently_syncing() const {
    return impl_->syncing.all();
}

Task<void> Presence::on_user_sync(std::string instance_id, std::string user_id, bool syncing,
                                  std::int64_t last_sync_ms, bool replace_all) {
    const auto impl = impl_;
    if (!impl->enabled || !impl->is_writer) co_return;
    if (!proto::UserId::is_valid(user_id)) co_return;
    if (replace_all) impl->machine.process_cleared(instance_id, impl->clock.now_ms());
    std::function<void()> fact = [&, impl] {
        const auto now_ms = impl->clock.now_ms();
        if (syncing) {
            impl->machine.sync_started(instance_id, user_id, last_sync_ms, now_ms);
        } else {
            impl->machine.sync_ended(instance_id, user_id, last_sync_ms, now_ms);
        }
    };
    co_await impl->with_user(user_id, std::move(fact));
    // A thousand users may come at once: theirs is one write.
    impl->persist_soon();
}

Task<void> Presence::on_clear_user_syncs(std::string instance_id) {
    if (!impl_->enabled || !impl_->is_writer) co_return;
    impl_->machine.process_cleared(instance_id, impl_->clock.now_ms());
    impl_->persist_soon();
}

Task<void> Presence::on_source_lost(std::string instance_id) {
    if (!impl_->enabled || !impl_->is_writer) co_return;
    impl_->machine.process_lost(instance_id, impl_->clock.now_ms());
}

namespace {

std::string user_of(const replication::RpcArgs& args) {
    if (args.size() != 1 || !proto::UserId::is_valid(args.front())) {
        throw core::MatrixError::invalid_param("Invalid user ID");
    }
    return args.front();
}

}  // namespace

void Presence::serve(replication::RpcServer& server) {
    using Function = std::function<Task<replication::RpcEmpty>(replication::RpcArgs, boost::json::value)>;
    // The calls of one user keep their order because each is applied before it is answered.
    Function set_state = [impl = impl_](replication::RpcArgs args,
                                        boost::json::value body) -> Task<replication::RpcEmpty> {
        auto wanted = presence_rpc::SetState::parse(body);
        if (impl->enabled) {
            co_await impl->set_state_here(user_of(args), std::move(wanted.presence),
                                          std::move(wanted.status_msg), wanted.keep_status_msg);
        }
        co_return replication::RpcEmpty{};
    };
    Function bump = [impl = impl_](replication::RpcArgs args,
                                   boost::json::value) -> Task<replication::RpcEmpty> {
        if (impl->enabled) co_await impl->bump(user_of(args));
        co_return replication::RpcEmpty{};
    };
    Function tell_again = [impl = impl_](replication::RpcArgs args,
                                         boost::json::value) -> Task<replication::RpcEmpty> {
        if (impl->enabled) co_await impl->tell_again(user_of(args));
        co_return replication::RpcEmpty{};
    };
    server.serve(presence_rpc::tell_again_endpoint(), std::move(tell_again));
    server.serve(presence_rpc::set_state_endpoint(), std::move(set_state));
    server.serve(presence_rpc::bump_active_endpoint(), std::move(bump));
}

}  // namespace weft::handlers
