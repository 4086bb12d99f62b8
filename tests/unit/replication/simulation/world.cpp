#include "world.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "bus.hpp"
#include "network.hpp"
#include "process.hpp"

namespace weft::replication::simulation {

namespace {

constexpr Time kStormMs = 2'000;
constexpr Time kCalmMsMax = 9'000;
constexpr Time kCalmStepMs = 500;

}  // namespace

World::World(std::uint64_t seed, Transport transport) : dice_{seed} {
    if (transport == Transport::kBus) bus_ = std::make_unique<Bus>(*this);
    const auto add = [this](const char* name, std::vector<std::string> subscriptions = {}) {
        processes_.push_back(std::make_unique<Process>(*this, name, std::move(subscriptions)));
    };
    add("master");
    add("persister1");
    add("persister2");
    add("reader1");
    add("reader2", {"events", "typing"});
}

World::~World() = default;

Process* World::master() {
    return processes_.front().get();
}

Process* World::process(const std::string& name) {
    const auto found = std::find_if(processes_.begin(), processes_.end(),
                                    [&](const auto& process) { return process->name() == name; });
    return found == processes_.end() ? nullptr : found->get();
}

void World::after(Time delay, std::function<void()> what) {
    events_.push({now() + delay, next_event_++, std::move(what)});
}

std::int64_t World::random(std::int64_t least, std::int64_t most) {
    // Not a standard distribution: those differ between libraries, and a seed must replay anywhere.
    return least + static_cast<std::int64_t>(dice_() % static_cast<std::uint64_t>(most - least + 1));
}

void World::broken(const std::string& what) {
    if (broken_.empty()) broken_ = fmt::format("at {} ms: {}", now(), what);
}

std::string World::run() {
    for (const auto& process : processes_) process->start();
    after(random(50, 300), [this] { something_happens(); });
    run_until(now() + kStormMs);
    calm_ = true;
    for (const auto& process : processes_) {
        if (!process->is_up()) process->start();
    }
    const auto deadline = now() + kCalmMsMax;
    auto why = behind();
    // What looks settled may still be undone by something on its way: look twice.
    for (int times_settled = 0; broken_.empty() && times_settled < 2 && now() < deadline;) {
        run_until(now() + kCalmStepMs);
        why = behind();
        times_settled = why.empty() ? times_settled + 1 : 0;
    }
    if (!why.empty()) broken("after all is calm: " + why);
    return broken_;
}

void World::run_until(Time end) {
    while (broken_.empty() && !events_.empty() && events_.top().at <= end) {
        const auto event = events_.top();
        events_.pop();
        clock_.advance(core::Milliseconds{event.at - now()});
        event.what();
        io_.restart();
        io_.poll();
    }
    clock_.advance(core::Milliseconds{std::max<Time>(0, end - now())});
}

void World::something_happens() {
    if (calm_) return;
    after(random(20, 300), [this] { something_happens(); });
    auto& process =
        *processes_[static_cast<std::size_t>(random(0, static_cast<std::int64_t>(processes_.size()) - 1))];
    if (!process.is_up()) return;
    ++faults_;
    const auto kind = random(1, 100);
    if (bus_ && chance(5)) {
        bus_->die();
        after(random(20, 600), [this] { bus_->come_back(); });
        return;
    }
    if (kind > 25) {
        harm_connection(process, kind);
        return;
    }
    process.kill();
    after(random(20, 600), [this, &process] {
        if (!process.is_up() && !calm_) process.start();
    });
}

void World::harm_connection(Process& of, std::int64_t kind) {
    if (of.ends().empty()) return;
    const auto end =
        of.ends()[static_cast<std::size_t>(random(0, static_cast<std::int64_t>(of.ends().size()) - 1))];
    if (kind <= 50) {
        end->close();
    } else if (kind <= 70) {
        end->cut();
    } else if (kind <= 90) {
        end->stall(now() + random(100, 1'500));
    } else {
        end->stall(now() + 5'000);  // longer than anybody waits
    }
}

std::string World::behind() const {
    for (const auto& process : processes_) {
        if (auto why = process->behind(); !why.empty()) return why;
    }
    return "";
}

}  // namespace weft::replication::simulation
