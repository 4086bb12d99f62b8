#include "scenarios.hpp"

#include <fmt/format.h>

#include "parallel.hpp"
#include "statistics.hpp"

namespace weft::loadgen {

namespace {

/// How many accounts are registered, or join, at the same time while a scenario is prepared.
constexpr std::size_t kPreparedAtOnce = 8;

std::string text(const json::object& command, std::string_view key) {
    const auto* value = command.if_contains(key);
    if (!value || !value->is_string()) throw BenchError{fmt::format("the command needs a text '{}'", key)};
    return std::string{value->as_string()};
}

std::vector<std::string> texts(const json::object& command, std::string_view key) {
    const auto* value = command.if_contains(key);
    if (!value || !value->is_array() || value->as_array().empty()) {
        throw BenchError{fmt::format("the command needs a list '{}'", key)};
    }
    std::vector<std::string> out;
    for (const auto& element : value->as_array()) out.emplace_back(element.as_string());
    return out;
}

std::size_t number(const json::object& command, std::string_view key) {
    const auto* value = command.if_contains(key);
    if (!value || !value->is_int64() || value->as_int64() < 1) {
        throw BenchError{fmt::format("the command needs a positive number '{}'", key)};
    }
    return static_cast<std::size_t>(value->as_int64());
}

json::array rounded(const std::vector<double>& values) {
    json::array out;
    for (const auto value : values) out.emplace_back(std::round(value * 1000) / 1000);
    return out;
}

}  // namespace

Scenarios::Scenarios(asio::any_io_executor executor, Server server, std::string run)
    : executor_{std::move(executor)}, server_{std::move(server)}, run_{std::move(run)} {}

Task<json::object> Scenarios::perform(json::object command) {
    const auto name = text(command, "do");
    if (name == "register") co_return co_await register_users(std::move(command));
    if (name == "room") co_return co_await make_room(std::move(command));
    if (name == "say") co_return co_await say(std::move(command));
    if (name == "poll") co_return co_await start_polling(std::move(command));
    if (name == "stop_polling") co_return co_await stop_polling();
    if (name == "fanout") co_return co_await fanout(std::move(command));
    if (name == "senders") co_return co_await senders(std::move(command));
    if (name == "initial_syncs") co_return co_await syncs(std::move(command), true);
    if (name == "empty_syncs") co_return co_await syncs(std::move(command), false);
    throw BenchError{fmt::format("unknown command '{}'", name)};
}

Scenarios::Group& Scenarios::group(const json::object& command, std::string_view key) {
    const auto name = text(command, key);
    const auto found = groups_.find(name);
    if (found == groups_.end()) throw BenchError{fmt::format("there is no group '{}'", name)};
    return found->second;
}

const std::string& Scenarios::room_id(const std::string& name) const {
    const auto found = rooms_.find(name);
    if (found == rooms_.end()) throw BenchError{fmt::format("there is no room '{}'", name)};
    return found->second;
}

Task<json::object> Scenarios::register_users(json::object command) {
    const auto name = text(command, "group");
    auto& users = groups_[name];
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < number(command, "count"); ++i) {
        users.push_back(
            std::make_unique<MatrixUser>(executor_, server_, fmt::format("{}-{}-{}", run_, name, i)));
        jobs.push_back([user = users.back().get()] { return user->register_account(); });
    }
    co_await run_parallel(std::move(jobs), kPreparedAtOnce);
    co_return json::object{};
}

Task<json::object> Scenarios::make_room(json::object command) {
    const auto name = text(command, "room");
    std::vector<MatrixUser*> members;
    for (const auto& group_name : texts(command, "groups")) {
        const auto& users = group(json::object{{"group", group_name}}, "group");
        if (!command.contains("members")) {
            for (const auto& user : users) members.push_back(user.get());
            continue;
        }
        for (const auto& index : command.at("members").as_array()) {
            members.push_back(users.at(static_cast<std::size_t>(index.as_int64())).get());
        }
    }
    const auto id = co_await members.front()->create_room(name);
    std::vector<Job> jobs;
    for (auto* member : members) {
        if (member != members.front()) jobs.push_back([member, id] { return member->join(id); });
    }
    co_await run_parallel(std::move(jobs), kPreparedAtOnce);
    rooms_[name] = id;
    co_return json::object{{"room_id", id}};
}

Task<json::object> Scenarios::say(json::object command) {
    auto& user = *group(command, "group").front();
    const auto id = room_id(text(command, "room"));
    for (std::size_t i = 0; i < number(command, "messages"); ++i) {
        co_await user.send_text(id, fmt::format("What was said before, sentence {}", i));
    }
    co_return json::object{};
}

Task<json::object> Scenarios::start_polling(json::object command) {
    if (pollers_) throw BenchError{"there are pollers already"};
    std::vector<MatrixUser*> users;
    for (const auto& user : group(command, "group")) users.push_back(user.get());
    pollers_ = std::make_unique<Pollers>(executor_, std::move(users));
    pollers_->start();
    co_await pollers_->wait_armed();
    co_return json::object{};
}

Task<json::object> Scenarios::stop_polling() {
    if (!pollers_) throw BenchError{"there are no pollers"};
    co_await pollers_->stop();
    const auto others = pollers_->other_responses();
    pollers_.reset();
    co_return json::object{{"other_responses", others}};
}

Task<json::object> Scenarios::fanout(json::object command) {
    if (!pollers_) throw BenchError{"there are no pollers"};
    auto& sender = *group(command, "sender").front();
    const auto id = room_id(text(command, "room"));
    const std::chrono::milliseconds pause{number(command, "pause_ms")};
    const auto sends = number(command, "sends");
    std::vector<double> first, median, last, put;
    for (std::size_t i = 0; i < sends; ++i) {
        // An idle cluster: every poll is at the server, and what the last event caused is over.
        do {
            co_await pollers_->wait_armed();
            asio::steady_timer timer{executor_, pause};
            co_await timer.async_wait(asio::use_awaitable);
        } while (!pollers_->armed());
        const auto marker = fmt::format("thrown shuttle {} of {}", i, run_);
        pollers_->watch(marker);

        const auto start = SteadyClock::now();
        co_await sender.send_text(id, marker);
        put.push_back(milliseconds(SteadyClock::now() - start));
        const auto arrivals = co_await pollers_->arrivals();

        std::vector<double> delays;
        for (const auto arrival : arrivals) delays.push_back(milliseconds(arrival - start));
        first.push_back(delays.front());
        median.push_back(quantile(delays, 0.5));
        last.push_back(delays.back());
    }
    co_return json::object{{"first_ms", rounded(first)},
                           {"median_ms", rounded(median)},
                           {"last_ms", rounded(last)},
                           {"put_ms", rounded(put)},
                           {"deliveries", sends * pollers_->count()}};
}

Task<json::object> Scenarios::senders(json::object command) {
    auto& users = group(command, "group");
    const auto count = number(command, "senders");
    if (count > users.size()) throw BenchError{"more senders than users"};
    std::vector<std::string> ids;
    for (const auto& name : texts(command, "rooms")) ids.push_back(room_id(name));

    std::vector<double> latencies;
    const auto start = SteadyClock::now();
    const auto end = start + std::chrono::seconds{number(command, "seconds")};
    const auto send_until_end = [&latencies, end](MatrixUser& user, std::vector<std::string> own) -> Task<void> {
        std::size_t turn = 0;
        for (auto begin = SteadyClock::now(); begin < end; begin = SteadyClock::now()) {
            co_await user.send_text(own[turn++ % own.size()], "One more thread for the cloth that is being woven here");
            latencies.push_back(milliseconds(SteadyClock::now() - begin));
        }
    };
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < count; ++i) {
        // Rooms are dealt out; a sender who gets several takes them in turn.
        std::vector<std::string> own{ids[i % ids.size()]};
        for (auto next = i + count; next < ids.size(); next += count) own.push_back(ids[next]);
        jobs.push_back([&send_until_end, user = users[i].get(), own] { return send_until_end(*user, own); });
    }
    co_await run_parallel(std::move(jobs), count);
    const auto seconds = milliseconds(SteadyClock::now() - start) / 1000;
    co_return json::object{
        {"messages", latencies.size()}, {"seconds", seconds}, {"latency_ms", summary(latencies)}};
}

Task<json::object> Scenarios::syncs(json::object command, bool initial) {
    auto& users = group(command, "group");
    for (const auto& user : users) co_await user->sync(0);  // so that incremental ones have where to begin

    std::vector<double> latencies;
    std::size_t bytes = 0;
    const auto start = SteadyClock::now();
    const auto end = start + std::chrono::seconds{number(command, "seconds")};
    const auto sync_until_end = [&latencies, &bytes, end, initial](MatrixUser& user) -> Task<void> {
        for (auto begin = SteadyClock::now(); begin < end; begin = SteadyClock::now()) {
            if (initial) user.forget_since();
            const auto body = co_await user.sync(0);
            bytes += body.size();
            latencies.push_back(milliseconds(SteadyClock::now() - begin));
        }
    };
    std::vector<Job> jobs;
    for (const auto& user : users) {
        jobs.push_back([&, member = user.get()] { return sync_until_end(*member); });
    }
    co_await run_parallel(std::move(jobs), users.size());
    const auto seconds = milliseconds(SteadyClock::now() - start) / 1000;
    co_return json::object{{"syncs", latencies.size()},
                           {"seconds", seconds},
                           {"latency_ms", summary(latencies)},
                           {"bytes", latencies.empty() ? 0 : bytes / latencies.size()}};
}

}  // namespace weft::loadgen
