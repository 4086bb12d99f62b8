#include "ephemeral/presence_impl.hpp"

#include "ephemeral/presence_rpc.hpp"
#include "weft/core/async.hpp"
#include "weft/core/log.hpp"

namespace weft::handlers {

using storage::PresenceState;

namespace {

constexpr core::Milliseconds kTick{5'000};
/// Shorter than the time after which the writer takes a user for inactive.
constexpr std::int64_t kBumpIntervalMs = PresenceMachine::kActiveMs / 2;
constexpr std::size_t kOfflineEntries = 10'000;
constexpr std::size_t kBatchMax = 1'000;
/// The writer's own syncs, beside the instance IDs of other processes.
const std::string kThisProcess;

std::string writer_of_presence(const core::Config& config) {
    const auto writers = config.writers_of("presence");
    return writers.empty() ? std::string{"master"} : writers.front();
}

}  // namespace

Presence::Impl::Impl(asio::any_io_executor executor, const core::Config& config, const core::Clock& the_clock,
                     storage::PresenceStore& the_store, replication::RpcClient& the_rpc)
    : enabled{config.use_presence},
      is_writer{writer_of_presence(config) == config.instance_name.get()},
      writer{writer_of_presence(config)},
      server_name{config.server_name},
      clock{the_clock},
      store{the_store},
      rpc{the_rpc},
      went_offline{"presence_went_offline", kOfflineEntries, executor},
      facts{"presence_facts"},
      writes{"presence_writes"},
      tasks{executor} {}

void Presence::Impl::on_rows(const storage::StreamRows& rows) {
    for (const auto& row : rows) {
        auto state = storage::presence_from_row(row);
        if (!state) continue;
        const auto user_id = state->user_id;
        if (state->state == "offline") {
            present.erase(user_id);
            went_offline.put(user_id, std::move(*state));
        } else {
            present.insert_or_assign(user_id, std::move(*state));
        }
    }
}

Task<void> Presence::Impl::load() {
    const auto& stream = store.stream();
    const auto before = stream.current();
    for (auto& state : co_await store.all_not_offline()) {
        if (is_writer && !machine.knows(state.user_id)) machine.load(state, clock.now_ms());
        // What the stream has said meanwhile is newer.
        if (stream.changes().has_changed(state.user_id, before)) continue;
        const auto user_id = state.user_id;
        present.insert_or_assign(user_id, std::move(state));
    }
}

Task<void> Presence::Impl::run_timers() {
    while (true) {
        co_await core::sleep_for(kTick);
        report_left();
        if (!is_writer) continue;
        machine.tick(clock.now_ms());
        // Those whose coming the database did not let us note.
        for (const auto& user_id : syncing.all()) {
            if (machine.syncs_at(kThisProcess, user_id)) continue;
            SyncingUsers::Begun begun;
            begun.came = true;
            sync_began(user_id, begun);
        }
        persist_soon();
    }
}

std::vector<PresenceState> Presence::Impl::known(const std::vector<std::string>& users,
                                                 std::vector<std::string>& missing) {
    std::vector<PresenceState> states;
    for (const auto& user_id : users) {
        if (const auto found = present.find(user_id); found != present.end()) {
            states.push_back(found->second);
        } else if (const auto offline = went_offline.get_if_present(user_id);
                   offline && offline->state == "offline") {
            states.push_back(*offline);
        } else {
            missing.push_back(user_id);
        }
    }
    return states;
}

void Presence::Impl::sync_began(const std::string& user_id, const SyncingUsers::Begun& begun) {
    if (!is_writer && !begun.presence) {
        if (reporter) reporter(user_id, true, clock.now_ms());
        return;
    }
    tasks.spawn("presence_sync_began", [this, user_id, begun] { return announce_presence(user_id, begun); });
}

Task<void> Presence::Impl::announce_presence(std::string user_id, SyncingUsers::Begun begun) {
    if (is_writer) {
        std::function<void()> fact = [&] {
            const auto now_ms = clock.now_ms();
            if (begun.presence) machine.set_state(user_id, *begun.presence, std::nullopt, now_ms);
            if (begun.came) machine.sync_started(kThisProcess, user_id, now_ms, now_ms);
        };
        co_await with_user(user_id, std::move(fact));
        persist_soon();
        co_return;
    }
    // First the state: a user who comes and has none is taken for online.
    std::string failure;
    try {
        auto body = presence_rpc::SetState{*begun.presence, std::nullopt, true}.to_json();
        replication::RpcArgs args{user_id};
        co_await rpc.call(presence_rpc::set_state_endpoint(), writer, std::move(args), std::move(body));
    } catch (const core::MatrixError& error) {
        failure = error.what();
    }
    if (!failure.empty())
        core::log_warning("presence", "{} cannot be told {}: {}", writer, *begun.presence, failure);
    // They may have left again while the writer did not answer.
    if (begun.came && reporter && syncing.contains(user_id)) reporter(user_id, true, clock.now_ms());
}

void Presence::Impl::report_left() {
    for (const auto& left : syncing.leave(clock.now_ms())) {
        if (is_writer) {
            machine.sync_ended(kThisProcess, left.user_id, left.last_sync_ms, clock.now_ms());
        } else if (reporter) {
            reporter(left.user_id, false, left.last_sync_ms);
        }
    }
}

bool Presence::Impl::throttled(const std::string& user_id) {
    const auto now_ms = clock.monotonic_ms();
    const auto [place, is_first] = bumped_ms.try_emplace(user_id, now_ms);
    if (!is_first && now_ms - place->second < kBumpIntervalMs) return true;
    place->second = now_ms;
    if (now_ms >= next_bump_sweep_ms) {
        next_bump_sweep_ms = now_ms + kBumpIntervalMs;
        std::erase_if(bumped_ms, [&](const auto& entry) { return now_ms - entry.second >= kBumpIntervalMs; });
    }
    return false;
}

Task<void> Presence::Impl::bump(std::string user_id) {
    if (!is_writer) {
        replication::RpcArgs args{std::move(user_id)};
        boost::json::value body = boost::json::object{};
        co_await rpc.call(presence_rpc::bump_active_endpoint(), writer, std::move(args), std::move(body));
        co_return;
    }
    std::function<void()> fact = [&] { machine.user_active(user_id, clock.now_ms()); };
    co_await with_user(user_id, std::move(fact));
    persist_soon();
}

Task<void> Presence::Impl::tell_again(std::string user_id) {
    if (!is_writer) {
        replication::RpcArgs args{std::move(user_id)};
        boost::json::value body = boost::json::object{};
        co_await rpc.call(presence_rpc::tell_again_endpoint(), writer, std::move(args), std::move(body));
        co_return;
    }
    std::function<void()> fact = [&] { machine.tell_again(user_id); };
    co_await with_user(user_id, std::move(fact));
    persist_soon();
}

Task<void> Presence::Impl::with_user(std::string user_id, std::function<void()> fact) {
    const auto turn = co_await facts.lock(user_id);
    if (!machine.knows(user_id)) {
        std::vector<std::string> users{user_id};
        auto stored = co_await store.get(std::move(users));
        if (const auto found = stored.find(user_id); found != stored.end() && !machine.knows(user_id)) {
            machine.load(std::move(found->second), clock.now_ms());
        }
    }
    fact();
}

Task<void> Presence::Impl::set_state_here(std::string user_id, std::string state,
                                          std::optional<std::string> status_msg, bool keep_status_msg) {
    std::function<void()> fact = [&] {
        std::optional<std::optional<std::string>> message;
        if (!keep_status_msg) message.emplace(std::move(status_msg));
        machine.set_state(user_id, state, std::move(message), clock.now_ms());
    };
    co_await with_user(user_id, std::move(fact));
    co_await persist();
}

Task<void> Presence::Impl::persist() {
    const auto turn = co_await writes.lock({});
    while (machine.has_changes()) {
        const auto batch = machine.take_changes(kBatchMax);
        std::exception_ptr failure;
        try {
            co_await store.update(batch);
        } catch (...) {
            failure = std::current_exception();
        }
        if (failure) {
            machine.not_stored(batch);  // the timers try again
            std::rethrow_exception(failure);
        }
        machine.stored(batch);
    }
}

void Presence::Impl::persist_soon() {
    if (persisting || !machine.has_changes()) return;
    persisting = true;
    tasks.spawn("presence_persist", [this] { return persist_in_background(); });
}

Task<void> Presence::Impl::persist_in_background() {
    std::exception_ptr failure;
    try {
        co_await persist();
    } catch (...) {
        failure = std::current_exception();
    }
    persisting = false;
    if (failure) std::rethrow_exception(failure);
}

}  // namespace weft::handlers
