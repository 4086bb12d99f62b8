#include "weft/workers/process.hpp"

#include <csignal>
#include <fstream>
#include <iostream>
#include <sstream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <sodium.h>

#include "client_api.hpp"
#include "command_line.hpp"
#include "compact_state.hpp"
#include "events_applier.hpp"
#include "instance_probe.hpp"
#include "maintenance.hpp"
#include "read_fence.hpp"
#include "routes.hpp"
#include "row_log.hpp"
#include "services.hpp"
#include "status.hpp"
#include "stream_bindings.hpp"
#include "weft/core/appservice.hpp"
#include "weft/core/log.hpp"
#include "weft/core/random.hpp"
#include "weft/core/tls.hpp"
#include "weft/http/server.hpp"
#include "weft/replication/redis_client.hpp"
#include "weft/replication/rpc_endpoints.hpp"
#include "weft/replication/tcp_client.hpp"
#include "weft/replication/tcp_server.hpp"
#include "weft/storage/migrations.hpp"
#include "weft/storage/position_reader.hpp"
#include "weft/storage/store_error.hpp"
#include "weft/workers/version.hpp"

namespace weft::workers {
namespace {

constexpr std::int64_t kDrainMs = 10'000;
/// A worker that cannot catch up serves what it has: reads go on while the master is away.
constexpr core::Milliseconds kCatchUpWait{5'000};
/// More tokens than a writer ever has open at once: what was committed late below a position that we read at
/// the start is among them.
constexpr std::int64_t kUnsureTokens = 1'000;
constexpr core::Milliseconds kAwaitWriterPause{20};
constexpr core::Milliseconds kAwaitWriterRetry{1'000};
/// How long after this process another may start before its address is doubted.
constexpr std::int64_t kProbePatienceMs = 60'000;
const replication::RpcEndpoint<boost::json::value, replication::RpcEmpty> kAwaitWriter{
    {.name = "weft_await_event_writer", .path_args = {"instance"}, .idempotent = false, .timeout_ms = 30'000, .deadline_ms = 30'000}};

proto::SigningKey load_signing_key(const std::string& path) {
    std::ifstream file{path};
    if (!file) throw core::ConfigError{path + ": the signing key cannot be read"};
    std::stringstream text;
    text << file.rdbuf();
    auto key = proto::SigningKey::parse(text.str());
    if (!key) throw core::ConfigError{path + ": " + key.error().message};
    return std::move(*key);
}

proto::replication::Dialect dialect_of(const core::Config& config) {
    return config.replication_dialect == "weft" ? proto::replication::Dialect::kWeft : proto::replication::Dialect::kSynapse115;
}

bool has_resource(const core::ListenerConfig& listener, std::string_view name) {
    return std::find(listener.resources.begin(), listener.resources.end(), name) != listener.resources.end();
}

/// One process of the cluster: everything it is made of, in the order in which it is built.
class Process {
public:
    Process(const core::Config& config, ProcessKind kind, proto::SigningKey key)
        : config_{config},
          kind_{std::move(kind)},
          executor_{io_.get_executor()},
          db_{config.database, "weft " + config.instance_name.get(), executor_},
          streams_{config},
          stores_{databases(), streams_, config, clock_, executor_},
          tls_{core::make_tls_context(config.replication_tls)},
          rpc_client_{executor_, clock_, {config.instance_name.get(), config.instance_map, config.replication_secret, tls_}},
          services_{stores_, streams_, rpc_client_, config, clock_, key, executor_},
          client_api_{services_, config, clock_},
          replication_{executor_, clock_,
                       {.instance_name = config.instance_name.get(),
                        .instance_id = core::random_letters(5),
                        .relays = config.is_master() && !config.redis.enabled,
                        .on_bus = config.redis.enabled,
                        .dialect = dialect_of(config),
                        .feed = {.unsure_tokens = kUnsureTokens}}},
          rpc_server_{executor_, clock_, rpc_router_},
          events_applier_{executor_, stores_.events, streams_.events},
          status_{clock_, config.instance_name.get(), kind_, replication_},
          tasks_{executor_} {
        client_api_.register_on(client_router_);
    }

    const http::Router& client_router() const { return client_router_; }

    /// Blocks until the process was told to stop.
    void run() {
        if (config_.is_master()) storage::migrate(db_);
        if (config_.is_master() && state_db_) storage::migrate_state(db_, *state_db_);
        streams_.seed(storage::PositionReader{db_}.read_blocking(), memory_begins());
        connect_parts();
        read_fence_.emplace(executor_, config_, streams_);
        row_log_ = RowLog::from_environment(streams_, config_.instance_name.get());
        start_listeners();
        tasks_.spawn("start_up", [this] { return start_up(); });
        asio::signal_set signals{io_, SIGTERM, SIGINT};
        signals.async_wait([this](const boost::system::error_code& error, int) {
            if (!error) shutdown_tasks_.spawn("shutdown", [this] { return shut_down(); });
        });
        io_.run();
    }

private:
    /// Streams in memory count from the time at which their writer was started: no two lives of it use a token twice.
    /// Synapse 1.15 wants to see them begin anew.
    std::int64_t memory_begins() const { return dialect_of(config_) == proto::replication::Dialect::kWeft ? clock_.now_ms() : 0; }

    storage::Databases databases() {
        if (!config_.state_database) return db_;
        return {db_, state_db_.emplace(*config_.state_database, "weft " + config_.instance_name.get(), executor_)};
    }

    void connect_parts() {
        client_router_.set_authenticator(
            [this](const http::Request& request, http::Auth auth) { return services_.authenticator.authenticate(request, auth); });
        client_router_.set_forwarder(
            [this](const http::Endpoint& endpoint) { return runs_here(endpoint); },
            [this](http::Request request, const http::Endpoint& endpoint) {
                return replication::forward(rpc_client_, place_of(endpoint), std::move(request));
            });
        client_router_.set_fence([this] { return read_fence_->is_open(); }, [this] { return read_fence_->wait(); });
        rpc_router_.set_authenticator(replication::rpc_authenticator(
            config_.replication_secret,
            config_.allow_unauthenticated_rpc ? replication::UnauthenticatedRpc::kThisMachine : replication::UnauthenticatedRpc::kNobody));
        bind_streams(replication_, streams_, stores_, events_applier_, services_.typing,
                     services_.federation ? &*services_.federation : nullptr, rpc_client_, config_);
        replication::serve_stream_updates(rpc_server_, replication_);
        replication::serve_forward(rpc_server_, client_router_);
        services_.serve(rpc_server_);
        events_applier_.preload_only([this](const std::string& room_id, const std::string& state_key) {
            return services_.notifier.is_heard(room_id, state_key);
        });
        replication_.set_hooks(command_hooks());
        status_.register_on(metrics_router_);
        connect_sightings();
        connect_presence();
        connect_event_lease();
        connect_pushers();
    }

    /// Before a process writes events for the first time everybody has to know of it: a position that does not name it would
    /// pass over what it writes. The master tells all, in the order in which it hears.
    void connect_event_lease() {
        if (config_.is_master()) {
            rpc_server_.serve<boost::json::value, replication::RpcEmpty>(
                kAwaitWriter, [this](replication::RpcArgs args, boost::json::value) { return await_writer(std::move(args)); });
        } else if (stores_.event_lease) {
            stores_.event_lease->before_joining([this] { return announce_writer(); });
        }
        if (stores_.event_lease) {
            stores_.event_lease->on_ended([this](const std::string& instance, std::int64_t token) {
                replication_.announce_end({streams_.events.name(), instance}, token);
            });
        }
    }

    Task<replication::RpcEmpty> await_writer(replication::RpcArgs args) {
        while (!streams_.events.positions().contains(args.at(0))) co_await core::sleep_for(kAwaitWriterPause);
        co_return replication::RpcEmpty{};
    }

    Task<void> announce_writer() {
        const auto shares = co_await stores_.event_writers.read();
        const auto* self = shares.find(config_.instance_name.get());
        if (self && self->shard) co_return;  // it has written before
        for (;;) {
            bool known = false;
            try {
                co_await rpc_client_.call(kAwaitWriter, "master", {config_.instance_name.get()}, boost::json::value(boost::json::object()));
                known = true;
            } catch (const core::MatrixError& error) {
                core::log_warning("workers.process", "the master does not know of this writer of events yet: {}", error.what());
            }
            if (known) co_return;
            co_await core::sleep_for(kAwaitWriterRetry);
        }
    }

    Task<void> probe(std::string instance, core::InstanceAddress address) {
        const auto problem = co_await instance_problem(rpc_client_, std::move(instance), std::move(address), kProbePatienceMs);
        if (problem) core::log_warning("workers.process", "{}", *problem);
    }

    /// A process that wrote events under its name once, died, and comes back without being a writer: its rooms are waiting.
    Task<void> give_back_rooms() {
        const auto shares = co_await stores_.event_writers.read();
        const auto* self = shares.find(config_.instance_name.get());
        if (self && self->shard) co_await stores_.event_writers.leave(config_.instance_name.get(), {});
    }

    bool runs_here(const http::Endpoint& endpoint) const {
        if (!endpoint.writes.empty()) return config_.writes(endpoint.writes);
        return config_.is_master() || endpoint.runs_at == http::RunsAt::kAnywhere;
    }
    /// The instance that runs an endpoint which may not run everywhere.
    std::string place_of(const http::Endpoint& endpoint) const {
        return endpoint.writes.empty() ? "master" : config_.writers_of(endpoint.writes).front();
    }

    replication::CommandHooks command_hooks() {
        replication::CommandHooks hooks;
        if (config_.writes("presence")) {
            hooks.user_sync = [this](proto::replication::UserSync command, bool first) {
                return services_.presence.on_user_sync(command.instance_id, command.user_id, command.is_syncing, command.last_sync_ms, first);
            };
            hooks.clear_user_syncs = [this](std::string instance_id) {
                return services_.presence.on_clear_user_syncs(std::move(instance_id));
            };
            hooks.user_sync_source_lost = [this](std::string instance_id) {
                return services_.presence.on_source_lost(std::move(instance_id));
            };
        }
        if (config_.is_master()) {
            hooks.user_ip = [this](proto::replication::UserIp command) -> Task<void> {
                services_.client_ips.record({command.user_id, command.access_token, command.ip, command.user_agent.value_or(""), command.device_id,
                                             command.last_seen_ms});
                co_return;
            };
            hooks.remove_pusher = [this](proto::replication::RemovePusher command) {
                return services_.writer_commands.remove_pusher(std::move(command));
            };
            hooks.federation_ack = [this](proto::replication::FederationAck command) {
                return services_.writer_commands.federation_ack(std::move(command));
            };
        }
        hooks.currently_syncing = [this] { return services_.presence.currently_syncing(); };
        return hooks;
    }

    /// The master collects who was seen where; the others tell it.
    void connect_sightings() {
        if (config_.is_master()) {
            services_.client_ips.start();
            services_.user_directory.start();
            services_.delayed_events.start();
            services_.authenticator.on_seen([this](storage::ClientIp seen) { services_.client_ips.record(std::move(seen)); });
            return;
        }
        services_.authenticator.on_seen([this](storage::ClientIp seen) {
            replication_.send(proto::replication::UserIp{seen.user_id, seen.access_token, seen.ip, seen.user_agent, seen.device_id, seen.last_seen_ms});
        });
    }

    void connect_presence() {
        if (config_.writes("presence")) return;
        services_.presence.set_reporter([this](const std::string& user_id, bool syncing, std::int64_t last_sync_ms) {
            replication_.send_user_sync(user_id, syncing, last_sync_ms);
        });
    }

    /// Whose key a gateway does not want is removed by the writer; the master knows who that is.
    void connect_pushers() {
        services_.push_sender.on_rejected([this](storage::PusherKey key) -> Task<void> {
            proto::replication::RemovePusher command{key.app_id, key.push_key, key.user_id};
            if (config_.is_master() || config_.writes("pushers")) {
                co_await services_.writer_commands.remove_pusher(std::move(command));
            } else {
                replication_.send(std::move(command));
            }
        });
    }

    void start_listeners() {
        http::ServerLimits limits;
        limits.body_bytes_max = config_.http_body_bytes_max;
        for (const auto& listener : config_.listeners) {
            if (listener.type == core::ListenerType::kReplication) {
                if (!config_.is_master()) throw core::ConfigError{"worker_listeners: only the master has a replication listener"};
                replication_servers_.push_back(std::make_unique<replication::TcpServer>(executor_, replication_, config_.server_name, listener));
                replication_servers_.back()->use_tls(tls_);
                replication_servers_.back()->start();
                continue;
            }
            const bool rpc = has_resource(listener, "replication");
            const bool client = has_resource(listener, "client");
            if (rpc && client) throw core::ConfigError{"listeners: client and replication need listeners of their own"};
            auto& router = listener.type == core::ListenerType::kMetrics ? metrics_router_ : rpc ? rpc_router_ : client_router_;
            auto listener_limits = limits;
            if (rpc) listener_limits.body_bytes_max = 64 * 1024 * 1024;
            auto& servers = listener.type == core::ListenerType::kMetrics ? metrics_servers_ : rpc ? rpc_servers_ : client_servers_;
            servers.push_back(std::make_unique<http::Server>(executor_, router, listener, config_.trusted_proxies, listener_limits));
            if (rpc) servers.back()->use_tls(tls_);
            servers.back()->start();
        }
    }

    /// A worker's connection to the master, or anybody's to Redis; the master needs none without.
    std::unique_ptr<replication::Uplink> make_uplink() {
        if (config_.redis.enabled) {
            replication::RedisClient::Options options;
            options.redis = config_.redis;
            options.channel = config_.server_name;
            return std::make_unique<replication::RedisClient>(executor_, replication_, std::move(options));
        }
        if (config_.is_master()) return nullptr;
        replication::TcpClient::Options options;
        options.server_name = config_.server_name;
        options.address = {config_.replication_host, config_.replication_port, config_.replication_path};
        options.tls = tls_;
        return std::make_unique<replication::TcpClient>(executor_, replication_, std::move(options));
    }

    Task<void> start_up() {
        if (!stores_.event_lease) co_await give_back_rooms();
        co_await services_.presence.start();
        if (config_.is_master() && config_.media.enabled) services_.media.start();
        link_ = make_uplink();
        tasks_.spawn("learn_positions", [this] { return read_fence_->learn_positions(replication_); });
        if (link_) {
            status_.set_link_state([this] { return std::string{replication::to_string(link_->state())}; });
            link_->start();
            // The master does not wait for writers that start after it.
            if (!config_.is_master() && !co_await replication_.wait_until_caught_up(kCatchUpWait)) {
                core::log_warning("workers.process", "no replication yet ({}): serving what the database has", link_->last_error());
            }
        }
        if (stores_.event_lease) co_await stores_.event_lease->ensure();
        if (config_.writes("pushers")) co_await stores_.pushers.remove_orphans();
        co_await services_.start();
        if (status_.state() == ProcessState::kStarting) status_.set_state(ProcessState::kReady);
        if (config_.is_master()) tasks_.spawn("resume_work", [this] { return services_.resume(); });
        if (config_.is_master()) start_maintenance(tasks_, db_, state_db_ ? &*state_db_ : nullptr, clock_);
        core::log_info("workers.process", "{} is ready", config_.instance_name);
        for (const auto& [instance, address] : config_.instance_map) {
            if (instance == config_.instance_name.get()) continue;
            tasks_.spawn("probe_instance", [this, instance = instance, address = address] { return probe(instance, address); });
        }
    }

    /// Health turns red, polls are answered, requests in flight finish, the master learns that nobody syncs here.
    Task<void> shut_down() {
        core::log_info("workers.process", "{} is stopping", config_.instance_name);
        status_.set_state(ProcessState::kDraining);
        services_.sync.end_polls();
        co_await leave_rooms();
        services_.sliding_sync.end_polls();
        services_.old_sync.end_polls();
        co_await stop_servers(client_servers_, kDrainMs);
        co_await stop_servers(rpc_servers_, kDrainMs);
        co_await services_.stop(kDrainMs);
        if (link_) co_await link_->stop(2'000);
        for (auto& server : replication_servers_) co_await server->stop(2'000);
        co_await events_applier_.stop();
        co_await replication_.stop();
        co_await rpc_server_.stop();
        co_await stop_servers(metrics_servers_, 0);
        co_await tasks_.stop();
        io_.stop();
    }

    /// What comes from now on goes to other writers of events, if there are any.
    Task<void> leave_rooms() {
        if (!stores_.event_lease) co_return;
        try {
            co_await stores_.event_lease->leave();
        } catch (const std::exception& error) {
            core::log_warning("workers.process", "cannot leave our rooms to others: {}", error.what());
        }
    }

    using HttpServers = std::vector<std::unique_ptr<http::Server>>;
    static Task<void> stop_servers(HttpServers& servers, std::int64_t deadline_ms) {
        for (auto& server : servers) co_await server->stop(deadline_ms);
    }

    const core::Config& config_;
    ProcessKind kind_;
    core::SystemClock clock_;
    asio::io_context io_{1};
    asio::any_io_executor executor_;
    storage::Database db_;
    std::optional<ReadFence> read_fence_;  // outlives the streams that tell it
    std::unique_ptr<RowLog> row_log_;  // outlives the streams that write to it
    std::optional<storage::Database> state_db_;  // if state groups are kept apart
    Streams streams_;
    Stores stores_;
    core::TlsContext tls_;  // between processes; null: in the clear
    replication::RpcClient rpc_client_;
    Services services_;
    ClientApi client_api_;
    http::Router client_router_;
    http::Router rpc_router_;
    http::Router metrics_router_;
    replication::ReplicationCommandHandler replication_;
    replication::RpcServer rpc_server_;
    EventsApplier events_applier_;
    StatusPage status_;
    std::vector<std::unique_ptr<replication::TcpServer>> replication_servers_;
    std::unique_ptr<replication::Uplink> link_;
    HttpServers client_servers_;
    HttpServers rpc_servers_;
    HttpServers metrics_servers_;
    core::BackgroundTasks tasks_;
    core::BackgroundTasks shutdown_tasks_{executor_};
};

/// The endpoint table needs no database and no configuration: a process is built, but never started.
std::string print_routes(const ProcessKind& kind) {
    core::Config config;
    config.server_name = "localhost";
    const Process process{config, kind, proto::SigningKey::generate("routes")};
    return routes_json(process.client_router());
}

void migrate_only(const core::Config& config) {
    asio::io_context io;
    storage::Database db{config.database, "weft migrate", io.get_executor()};
    for (const auto& name : storage::migrate(db)) std::cout << "applied " << name << '\n';
    if (config.state_database) {
        storage::migrate_state(db, storage::Database{*config.state_database, "weft migrate", io.get_executor()});
    }
}

void check_kind(const core::Config& config, const ProcessKind& kind) {
    const bool is_master = kind.kind == http::WorkerKind::kMaster;
    if (is_master != config.is_master() || (!is_master && config.worker_app != kind.app)) {
        throw core::ConfigError{fmt::format("worker_app: this program is {}, the configuration is for {}", kind.app,
                                            config.worker_app.empty() ? "the master" : config.worker_app)};
    }
}

int perform(const CommandLine& command, const ProcessKind& kind) {
    if (command.action == Action::kPrintRoutes) {
        std::cout << print_routes(kind) << '\n';
        return 0;
    }
    const auto config = core::load_config(command.config_files);
    check_kind(config, kind);
    core::init_logging(config.log, config.instance_name.get());
    if (command.action == Action::kMigrate) {
        migrate_only(config);
        return 0;
    }
    if (command.action == Action::kCompactState) {
        compact_state(config);
        return 0;
    }
    auto key = load_signing_key(config.signing_key_path);
    if (!proto::RoomVersion::find(config.default_room_version)) {
        throw core::ConfigError{"default_room_version: unknown room version " + config.default_room_version};
    }
    core::load_appservices(config.app_service_config_files);
    if (command.action == Action::kCheckConfig) {
        std::cout << "configuration is valid\n";
        return 0;
    }
    Process process{config, kind, std::move(key)};
    process.run();
    core::log_info("workers.process", "{} has stopped", config.instance_name);
    return 0;
}

}  // namespace

int run_process(int argc, char** argv, const ProcessKind& kind) {
    std::signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0) {
        std::cerr << "libsodium cannot be used\n";
        return 1;
    }
    int exit_code = 0;
    const auto command = parse_command_line(argc, argv, kind, exit_code);
    if (!command) return exit_code;
    try {
        return perform(*command, kind);
    } catch (const core::ConfigError& error) {
        std::cerr << error.what() << '\n';
        return 2;
    } catch (const std::exception& error) {
        core::log_error("workers.process", "cannot go on: {}", error.what());
        core::flush_logs();
        return 1;
    }
}

}  // namespace weft::workers
