#include "witness.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "weft/proto/replication/streams.hpp"

namespace weft::replication::simulation {

namespace {

bool is_in_memory(const StreamKey& key) {
    return proto::replication::find_stream(key.stream)->source == proto::replication::StreamSource::kMemory;
}

std::vector<int> numbers_of(const Rows& rows) {
    std::vector<int> numbers;
    for (const auto& row : rows) numbers.push_back(static_cast<int>(row.at(0).as_int64()));
    return numbers;
}

}  // namespace

void Witness::begin(const StreamKey& key) {
    auto& view = views_[key];
    if (is_in_memory(key)) return;
    for (const auto& [token, rows] : world_.database().of(key)) view.known_at_start.insert(token);
    view.reported = view.reported_together = world_.database().max(key);
}

void Witness::handed_in(const StreamKey& key, std::int64_t token, const Rows& rows) {
    auto& view = views_.at(key);
    const auto broken = [&](const char* what) {
        world_.broken(
            fmt::format("{}: {} of {}, token {} {}", process_, key.stream, key.instance, token, what));
    };
    auto& waiting = handed_in_[key.stream];
    const auto waits = [&](const auto& other) { return other.view == &view && other.token == token; };
    if (view.applied.contains(token) || std::any_of(waiting.begin(), waiting.end(), waits))
        broken("was applied twice");
    if (token < view.last_handed_in) broken("is out of order");
    view.last_handed_in = std::max(view.last_handed_in, token);
    world_.count_applied();
    auto got = numbers_of(rows);
    if (is_in_memory(key)) {
        for (const int row : got) view.memory[subject_of(row)] = row;
    } else {
        const auto& tokens = world_.database().of(key);
        const auto written = tokens.find(token);
        if (written == tokens.end() || written->second != got) broken("has other rows than were written");
    }
    waiting.push_back({&view, token, std::move(got)});
}

void Witness::invalidate(const std::string& stream, std::int64_t token, const Rows& rows) {
    auto& waiting = handed_in_[stream];
    if (waiting.empty()) return;  // our own rows
    const auto& next = waiting.front();
    if (next.token != token || next.rows != numbers_of(rows)) return;
    next.view->applied.insert(token);
    for (const int row : next.rows) next.view->cache.erase(subject_of(row));
    waiting.pop_front();
}

void Witness::reported(const StreamKey& key, std::int64_t token) {
    auto& view = views_.at(key);
    if (is_in_memory(key)) return;
    const auto from = std::exchange(view.reported, std::max(view.reported, token));
    const auto& tokens = world_.database().of(key);
    for (auto at = tokens.upper_bound(from); at != tokens.end() && at->first <= token; ++at) {
        const auto& [written, rows] = *at;
        if (!has(view, written)) {
            world_.broken(fmt::format("{}: {} of {} stands at {}, but {} was not applied", process_,
                                      key.stream, key.instance, token, written));
        }
        for (const int row : rows) {
            const auto cached = view.cache.find(subject_of(row));
            if (cached == view.cache.end() || cached->second >= written) continue;
            world_.broken(fmt::format("{}: {} of {} stands at {}, but something cached is as old as {}",
                                      process_, key.stream, key.instance, token, cached->second));
        }
    }
    load_cache(key, view);
}

void Witness::reported_together(const StreamKey& key, std::int64_t token) {
    auto& view = views_.at(key);
    const auto& tokens = world_.database().of(key);
    for (auto at = tokens.upper_bound(view.reported_together); at != tokens.end() && at->first <= token;
         ++at) {
        if (has(view, at->first)) continue;
        world_.broken(fmt::format("{}: with its sibling {} of {} stands at {}, but {} was not applied",
                                  process_, key.stream, key.instance, token, at->first));
    }
    view.reported_together = std::max(view.reported_together, token);
}

/// Somebody asks for a value: what is not cached is read, as the database has it now.
void Witness::load_cache(const StreamKey& key, View& view) {
    const auto subject = static_cast<int>(world_.random(0, kSubjects - 1));
    if (view.cache.contains(subject)) return;
    const auto& tokens = world_.database().of(key);
    for (auto at = tokens.rbegin(); at != tokens.rend(); ++at) {
        const auto matches = [&](int row) { return subject_of(row) == subject; };
        if (!std::any_of(at->second.begin(), at->second.end(), matches)) continue;
        view.cache[subject] = at->first;
        return;
    }
    view.cache[subject] = 0;
}

void Witness::rewound(const StreamKey& key) {
    auto& view = views_.at(key);
    view.applied.clear();
    view.last_handed_in = 0;
    view.memory.clear();
}

std::string Witness::missing(const StreamKey& key) const {
    const auto& view = views_.at(key);
    for (const auto& [token, rows] : world_.database().of(key)) {
        if (!has(view, token)) {
            return fmt::format("{} never saw {} in {} of {}", process_, token, key.stream, key.instance);
        }
        if (view.reported < token) {
            return fmt::format("{} stands at {} in {} of {}, before {}", process_, view.reported, key.stream,
                               key.instance, token);
        }
    }
    return "";
}

}  // namespace weft::replication::simulation
