#pragma once

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio.hpp>

#include "weft/core/async.hpp"
#include "weft/replication/command_handler.hpp"

namespace weft::replication::testing {

using namespace std::chrono_literals;

/// Runs `body` on `io` until it has ended; throws what it threw. Everything that takes longer than the
/// deadline has hung.
inline void run(asio::io_context& io, std::function<Task<void>()> body, std::chrono::seconds deadline = 20s) {
    bool done = false;
    std::exception_ptr failure;
    asio::co_spawn(io, body(), [&](std::exception_ptr thrown) {
        done = true;
        failure = thrown;
        io.stop();
    });
    io.restart();
    io.run_for(deadline);
    if (failure) std::rethrow_exception(failure);
    if (!done) throw std::runtime_error{"the test did not end within its deadline"};
}

/// Sleeps in short steps until `condition` holds.
inline Task<void> until(std::function<bool()> condition) {
    while (!condition()) co_await core::sleep_for(core::Milliseconds{1});
}

/// The database of a test: rows by writer, the same for all processes.
class FakeDatabase {
public:
    void write(const StreamKey& key, std::int64_t token, int row) {
        rows_[key].push_back({token, json::array{row}});
    }
    std::int64_t max(const StreamKey& key) const {
        const auto found = rows_.find(key);
        return found == rows_.end() || found->second.empty() ? 0 : found->second.back().token;
    }
    /// About `limit` rows; a token is never split.
    Updates updates(const StreamKey& key, std::int64_t from, std::int64_t upto, std::size_t limit) const {
        Updates page;
        page.upto = upto;
        const auto found = rows_.find(key);
        if (found == rows_.end()) return page;
        for (const auto& update : found->second) {
            if (update.token <= from || update.token > upto) continue;
            if (page.rows.size() >= limit && update.token != page.rows.back().token) {
                page.limited = true;
                page.upto = page.rows.back().token;
                break;
            }
            page.rows.push_back(update);
        }
        return page;
    }

private:
    std::map<StreamKey, std::vector<Update>> rows_;
};

/// What a process knows of its streams: positions, and every row applied.
class FakeProcess {
public:
    FakeProcess(FakeDatabase& database, std::string name) : database_{database}, name_{std::move(name)} {}

    Stream stream(const std::string& stream, std::vector<std::string> writers, Stream::Options options = {}) {
        StreamBindings bindings;
        bindings.current_token = [this, stream](const std::string& instance) {
            return position({stream, instance});
        };
        bindings.updates = [this, stream](std::string instance, std::int64_t from, std::int64_t upto,
                                          std::size_t limit) {
            return read({stream, instance}, from, upto, limit);
        };
        bindings.apply = [this, stream](const std::string& instance, std::int64_t token, const Rows& rows) {
            for (const auto& row : rows)
                applied[{stream, instance}].emplace_back(token, row.at(0).as_int64());
            positions[{stream, instance}] = token;
        };
        bindings.advance = [this, stream](const std::string& instance, std::int64_t token) {
            positions[{stream, instance}] = token;
        };
        bindings.rewind = [this, stream](const std::string& instance, std::int64_t token) {
            applied[{stream, instance}].clear();
            positions[{stream, instance}] = token;
        };
        return {stream, std::move(writers), std::move(bindings), options};
    }

    std::int64_t position(const StreamKey& key) const {
        const auto found = positions.find(key);
        return found == positions.end() ? 0 : found->second;
    }

    /// Commits rows of one token and announces them.
    void write(ReplicationCommandHandler& handler, const std::string& stream, std::int64_t token,
               std::vector<int> numbers) {
        Rows rows;
        for (const int number : numbers) {
            database_.write({stream, name_}, token, number);
            rows.push_back(json::array{number});
        }
        positions[{stream, name_}] = token;
        handler.publish(stream, token, rows);
    }

    using Applied = std::vector<std::pair<std::int64_t, std::int64_t>>;
    std::map<StreamKey, Applied> applied;
    std::map<StreamKey, std::int64_t> positions;
    std::string fetch_fails_with;
    int fetches = 0;

private:
    Task<Updates> read(StreamKey key, std::int64_t from, std::int64_t upto, std::size_t limit) {
        ++fetches;
        co_await core::sleep_for(core::Milliseconds{1});
        if (!fetch_fails_with.empty()) throw std::runtime_error{fetch_fails_with};
        co_return database_.updates(key, from, upto, limit);
    }

    FakeDatabase& database_;
    std::string name_;
};

inline ReplicationCommandHandler::Options handler_options(const std::string& name) {
    ReplicationCommandHandler::Options options;
    options.instance_name = name;
    options.instance_id = "id_" + name;
    options.relays = name == "master";
    return options;
}

}  // namespace weft::replication::testing
