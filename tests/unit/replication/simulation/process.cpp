#include "process.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "weft/core/async.hpp"

namespace weft::replication::simulation {

namespace {

/// Who writes what: two writers of one stream, a pair with one counter, a stream in memory, the master's own.
const std::map<std::string, std::vector<std::string>> kWriters{{"account_data", {"persister1"}},
                                                               {"events", {"persister1", "persister2"}},
                                                               {"receipts", {"master"}},
                                                               {"tag_account_data", {"persister1"}},
                                                               {"typing", {"persister2"}}};

const proto::replication::StreamInfo& info_of(const std::string& stream) {
    return *proto::replication::find_stream(stream);
}

/// So few that it happens.
constexpr std::size_t kWaitingEventsMax = 20;

bool is_in_memory(const std::string& stream) {
    return info_of(stream).source == proto::replication::StreamSource::kMemory;
}

}  // namespace

Process::Process(World& world, std::string name, std::vector<std::string> subscriptions)
    : world_{world}, name_{std::move(name)}, subscriptions_{std::move(subscriptions)} {}

Process::~Process() {
    if (is_up()) kill();
}

void Process::after(Time delay, std::function<void()> what) {
    world_.after(delay, [this, life = life_, what = std::move(what)] {
        if (is_up() && life == life_) what();
    });
}

void Process::start() {
    ++life_;
    ReplicationCommandHandler::Options options;
    options.instance_name = name_;
    options.instance_id = name_ + std::to_string(life_);
    options.on_bus = world_.bus() != nullptr;
    options.relays = is_master() && !options.on_bus;
    options.subscriptions = subscriptions_;
    options.log.chunk_bytes = 512;
    options.log.bytes_max = 4'096;
    options.log.cursors_for_files = 1'000;
    options.feed.queued_rows_max = 12;
    options.feed.unsure_tokens = 100;
    // Only the simulated clock may make anybody wait.
    options.feed.retry_delay_min_ms = options.feed.retry_delay_max_ms = 0;
    handler_ = std::make_unique<ReplicationCommandHandler>(world_.io().get_executor(), world_.clock(),
                                                           std::move(options));
    witness_.emplace(world_, name_);
    make_streams();
    after(world_.random(1, 40), [this] { write_something(); });
    if (world_.bus() != nullptr || !is_master()) connect();
}

void Process::kill() {
    for (const auto& end : std::exchange(ends_, {})) end->close();
    bool stopped = false;
    const auto stop_all = [this]() -> Task<void> {
        co_await handler_->stop();
        co_await applier_->stop();
    };
    asio::co_spawn(world_.io(), stop_all, [&](const std::exception_ptr&) { stopped = true; });
    while (!stopped) {
        world_.io().restart();
        world_.io().run_one();
    }
    handler_.reset();
    applier_.reset();
    states_.clear();
    memory_.clear();
}

bool Process::subscribed(const std::string& stream) const {
    return subscriptions_.empty() ||
           std::find(subscriptions_.begin(), subscriptions_.end(), stream) != subscriptions_.end();
}

void Process::make_streams() {
    for (const auto& [name, writers] : kWriters) {
        states_.try_emplace(name, name, name_, writers);
        for (const auto& writer : writers) witness_->begin({name, writer});
    }
    states_.at("tag_account_data").share_ids_with(states_.at("account_data"));
    for (const auto& [name, writers] : kWriters) {
        auto& state = states_.at(name);
        std::map<std::string, std::int64_t> positions;
        for (const auto& writer : writers) positions[writer] = world_.database().max({name, writer});
        if (is_in_memory(name) && state.is_writer()) positions[name_] = began_ = world_.now();
        state.seed(positions);
        state.on_invalidate([this, name = name](std::int64_t token, const storage::StreamRows& rows) {
            witness_->invalidate(name, token, rows);
        });
        state.on_advanced([this, name = name](const std::string& instance, std::int64_t token) {
            if (instance != name_) witness_->reported({name, instance}, token);
        });
        state.on_notify([this, &state](std::int64_t token, const storage::StreamRows&) {
            if (state.shared_current() < token) world_.broken(name_ + " is told of what it cannot see");
        });
        state.set_publisher([this, name = name](std::int64_t token, const storage::StreamRows& rows) {
            auto said = rows;
            if (!said.empty() && world_.chance(1))
                said.front().as_array().emplace_back(std::string(17'000, 'x'));
            handler_->publish(name, token, said);
        });
        handler_->add_stream(bind(name, state));
    }
}

/// As the programs bind their streams.
Stream Process::bind(const std::string& name, storage::StreamState& state) {
    StreamBindings bindings;
    bindings.current_token = [&state](const std::string& instance) {
        return state.positions().contains(instance) ? state.position(instance) : state.current();
    };
    bindings.updates = [this, name](std::string instance, std::int64_t from, std::int64_t upto,
                                    std::size_t limit) {
        return fetch({name, std::move(instance)}, from, upto, limit);
    };
    bindings.apply = [this, name, &state](const std::string& instance, std::int64_t token, const Rows& rows) {
        if (!subscribed(name)) world_.broken(name_ + " did not subscribe to " + name);
        witness_->handed_in({name, instance}, token, rows);
        state.apply(instance, token, rows);
        check_together(name, instance);
    };
    bindings.advance = [this, name, &state](const std::string& instance, std::int64_t token) {
        state.advance(instance, token);
        check_together(name, instance);
    };
    bindings.rewind = [this, name, &state](const std::string& instance, std::int64_t token) {
        witness_->rewound({name, instance});
        state.rewind(instance, token);
    };
    if (name == "events") bind_events(bindings, state);
    if (!info_of(name).shares_tokens_with.empty() && !state.is_writer()) {
        state.set_behind(true);
        bindings.set_behind = [this, name, &state](const std::string& instance, bool behind) {
            state.set_behind(behind);
            check_together(name, instance);
        };
    }
    Stream::Options options;
    options.rows_per_page = 7;
    return {name, kWriters.at(name), std::move(bindings), options};
}

/// Rows of events wait until what they name has been read.
void Process::bind_events(StreamBindings& bindings, storage::StreamState& state) {
    applier_.emplace(
        world_.io().get_executor(), [this](storage::StreamRows) { return load_events(); }, state,
        kWaitingEventsMax);
    bindings.current_token = [this, &state](const std::string& instance) {
        state.know(instance);
        return applier_->position(instance);
    };
    bindings.apply = [this](const std::string& instance, std::int64_t token, const Rows& rows) {
        witness_->handed_in({"events", instance}, token, rows);
        applier_->apply(instance, token, rows);
    };
    bindings.advance = [this](const std::string& instance, std::int64_t token) {
        applier_->advance(instance, token);
    };
}

Task<void> Process::load_events() {
    const auto answered = std::make_shared<core::Signal>(world_.io().get_executor());
    world_.after(world_.random(1, world_.chance(5) ? 800 : 20), [answered] { answered->notify_all(); });
    co_await answered->wait();
    if (!world_.calm() && world_.chance(2)) throw std::runtime_error{"the database is away"};
}

void Process::check_together(const std::string& stream, const std::string& instance) {
    const auto sibling = info_of(stream).shares_tokens_with;
    if (sibling.empty()) return;
    const auto token = states_.at(stream).shared_current();
    witness_->reported_together({stream, instance}, token);
    witness_->reported_together({std::string{sibling}, instance}, token);
}

Task<Updates> Process::fetch(StreamKey key, std::int64_t from, std::int64_t upto, std::size_t limit) {
    const auto asked = std::make_shared<core::Signal>(world_.io().get_executor());
    world_.after(world_.random(1, 50), [asked] { asked->notify_all(); });
    co_await asked->wait();
    if (!world_.calm() && world_.chance(20)) throw std::runtime_error{"the database is away"};
    Updates page;
    if (is_in_memory(key.stream)) {
        auto* const writer = world_.process(key.instance);
        if (!writer->is_up()) throw std::runtime_error{"the writer is away"};
        page = writer->memory_updates(from, upto);
    } else {
        page = world_.database().updates(key, from, upto, limit);
    }
    const auto answered = std::make_shared<core::Signal>(world_.io().get_executor());
    world_.after(world_.random(1, 50), [answered] { answered->notify_all(); });
    co_await answered->wait();
    co_return page;
}

Updates Process::memory_updates(std::int64_t from, std::int64_t upto) const {
    Updates page;
    page.begins = began_;
    page.upto = upto;
    for (const auto& [subject, newest] : memory_) {
        const auto& [token, row] = newest;
        if (token > from && token <= page.upto) page.rows.push_back({token, json::array{row}});
    }
    return page;
}

void Process::connect() {
    if (world_.bus() != nullptr) {
        connect_to_bus();
        return;
    }
    auto* const master = world_.master();
    if (!master->is_up()) {
        after(backoff_.next(0.5), [this] { connect(); });
        return;
    }
    auto ours = std::make_shared<End>(world_, *this, SessionRole::kClient);
    auto theirs = std::make_shared<End>(world_, *master, SessionRole::kServer);
    ends_.push_back(ours);
    master->ends().push_back(theirs);
    theirs->open(ours);
    ours->open(theirs);
}

void Process::connect_to_bus() {
    auto& bus = *world_.bus();
    if (!bus.is_up()) {
        after(backoff_.next(0.5), [this] { connect(); });
        return;
    }
    auto end = std::make_shared<BusEnd>(world_, *this, bus);
    ends_.push_back(end);
    end->open();
}

void Process::on_end_closed(const std::shared_ptr<Wire>& end) {
    std::erase(ends_, end);
    if (is_master() && world_.bus() == nullptr) return;
    if (end->was_up()) backoff_.reset();
    after(backoff_.next(0.5), [this] { connect(); });
}

void Process::write_something() {
    if (world_.calm()) return;
    for (auto& [name, state] : states_) {
        if (!state.is_writer() || world_.chance(40)) continue;
        if (is_in_memory(name)) {
            write_in_memory(state);
        } else {
            write(state);
        }
    }
    after(world_.random(1, world_.chance(10) ? 300 : 40), [this] { write_something(); });
}

/// A transaction: allocates, commits or not, and tells of it somewhat later.
void Process::write(storage::StreamState& state) {
    const auto ids =
        std::make_shared<Allocation>(state.allocate(static_cast<std::size_t>(world_.random(1, 2))));
    after(world_.random(0, 30), [this, &state, ids] {
        if (world_.chance(10)) {  // rolled back
            auto given_up = std::move(*ids);
            return;
        }
        std::vector<std::pair<std::int64_t, json::value>> rows;
        for (const auto id : ids->ids()) {
            std::vector<int> numbers;
            for (auto i = world_.random(1, 3); i > 0; --i) {
                numbers.push_back(static_cast<int>(world_.random(0, 1'000)));
                rows.emplace_back(id, json::array{numbers.back()});
            }
            world_.database().commit({state.name(), name_}, id, std::move(numbers));
        }
        after(world_.random(0, 10),
              [&state, ids, rows = std::move(rows)] { state.publish(std::move(*ids), rows); });
    });
}

void Process::write_in_memory(storage::StreamState& state) {
    auto ids = state.allocate();
    const auto id = ids.ids().front();
    const auto row = static_cast<int>(world_.random(0, 1'000));
    memory_[Witness::subject_of(row)] = {id, row};
    state.publish(std::move(ids), {{id, json::array{row}}});
}

std::string Process::behind() const {
    if (!is_up()) return name_ + " is down";
    for (const auto& [name, writers] : kWriters) {
        if (!subscribed(name)) continue;
        for (const auto& writer : writers) {
            if (writer == name_) continue;
            if (auto why = witness_->missing({name, writer}); !why.empty()) return why;
        }
    }
    const auto& typist = *world_.process(kWriters.at("typing").front());
    if (this != &typist && subscribed("typing")) {
        std::map<int, int> there;
        for (const auto& [subject, newest] : typist.memory_) there[subject] = newest.second;
        if (witness_->memory({"typing", typist.name_}) != there)
            return name_ + " has another list in memory than its writer";
    }
    if (subscribed("account_data")) {
        const auto& state = states_.at("account_data");
        const auto written = std::max(world_.database().max({"account_data", "persister1"}),
                                      world_.database().max({"tag_account_data", "persister1"}));
        if (state.shared_current() < written)
            return name_ + " stands too low where two streams have one counter";
    }
    return handler_->all_caught_up() ? "" : name_ + " has not caught up";
}

}  // namespace weft::replication::simulation
