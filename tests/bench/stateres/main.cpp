// Measures state resolution: rooms of several sizes are written into an empty database, forked, and resolved
// with nothing in memory. The figures go to standard output as one JSON object.
#include <algorithm>
#include <chrono>
#include <iostream>

#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include "big_room.hpp"
#include "room_loader.hpp"
#include "run_task.hpp"
#include "weft/core/metrics.hpp"
#include "weft/handlers/state_resolver.hpp"
#include "weft/storage/migrations.hpp"

namespace weft::bench {
namespace {

namespace json = boost::json;

/// Events on each branch of the fork.
constexpr int kEventsOnBranch = 10;
/// Differences between the newest state group and the last whole one.
constexpr int kGroupChain = 60;
constexpr int kRepeats = 5;

double cpu_ms() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto ms = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    };
    return ms(usage.ru_utime) + ms(usage.ru_stime);
}

double queries() {
    const auto text = core::render_metrics();
    double total = 0;
    for (std::size_t at = 0; (at = text.find("\nweft_db_transactions_total{", at)) != text.npos; ++at) {
        total += std::stod(text.substr(text.find("} ", at) + 2));
    }
    return total;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct Costs {
    std::vector<double> cpu_ms, wall_ms, queries, rows;
};

class Bench {
public:
    explicit Bench(std::string connection) {
        config_.connection_string = std::move(connection);
        config_.connections_max = 1;  // so that it is clear which one has what to report
    }

    json::object run(const std::vector<int>& sizes, const std::vector<int>& forks) {
        storage::Database db{config_, "bench", io_.get_executor()};
        storage::migrate(db);
        RoomLoader loader{db};
        struct Case {
            std::string name;
            std::string room_id;
            std::vector<std::int64_t> groups;
        };
        std::vector<Case> cases;
        json::object figures;
        std::size_t events = 0;
        for (const int size : sizes) {
            const auto label = std::to_string(size / 1000) + "k";
            BigRoom room{"room" + label, size};
            loader.add_events(room, 0);
            const auto base = loader.add_base_groups(room, kGroupChain);
            for (const int extremities : forks) {
                const auto before = room.order().size();
                Case one{
                    label + "_fork" + std::to_string(kEventsOnBranch) + "_x" + std::to_string(extremities),
                    room.id(),
                    {}};
                for (int n = 0; n < extremities; ++n)
                    one.groups.push_back(loader.add_branch(room, base, room.fork(kEventsOnBranch)));
                loader.add_events(room, before);
                cases.push_back(std::move(one));
            }
            events += room.order().size();
        }
        loader.run("ANALYZE");
        const auto started = std::chrono::steady_clock::now();
        test::run(io_, index(db), std::chrono::seconds{300});
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
        figures["index_events_per_s"] = static_cast<double>(events) / took.count();
        loader.run("ANALYZE");

        for (const auto& one : cases) {
            Costs costs;
            for (int n = 0; n < kRepeats; ++n) measure(db, one.room_id, one.groups, costs);
            figures["cpu_ms_" + one.name] = median(costs.cpu_ms);
            figures["wall_ms_" + one.name] = median(costs.wall_ms);
            figures["queries_" + one.name] = median(costs.queries);
            figures["rows_" + one.name] = median(costs.rows);
        }
        return figures;
    }

private:
    static Task<std::size_t> index(storage::Database& db) {
        storage::AuthChainIndexer indexer{db};
        co_return co_await indexer.run();
    }

    /// Rows that PostgreSQL has read from tables, those of the connection under test included.
    double rows_read(storage::Database& tested, storage::Database& control) {
        static constexpr storage::Sql kReport{"bench_report", "SELECT pg_stat_force_next_flush()"};
        static constexpr storage::Sql kRows{
            "bench_rows_read",
            "SELECT sum(seq_tup_read + COALESCE(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables"};
        test::run(io_, tested.query(kReport));
        double rows = 0;
        control.run_blocking(
            [&](storage::Transaction& txn) { rows = static_cast<double>(txn.exec(kRows).front()[0].i64()); });
        return rows;
    }

    /// With connections and caches of its own, so that nothing is known beforehand.
    void measure(storage::Database& control, const std::string& room_id,
                 const std::vector<std::int64_t>& groups, Costs& costs) {
        storage::Database db{config_, "bench", io_.get_executor()};
        storage::CacheRegistry registry;
        storage::StreamState events_stream{"events", "bench", {"bench"}};
        storage::StreamState backfill{"backfill", "bench", {"bench"}};
        storage::EventsStore events{db, events_stream, backfill, 10'000, io_.get_executor()};
        storage::StateStore states{db, events_stream, events, registry, 100, io_.get_executor()};
        storage::AuthChains chains{db};
        core::CpuPool cpu{1};
        handlers::StateResolver resolver{events, states, chains, cpu, io_.get_executor()};
        const auto rows_before = rows_read(db, control);
        const auto queries_before = queries();
        const auto cpu_before = cpu_ms();
        const auto started = std::chrono::steady_clock::now();
        test::run(io_,
                  resolver.resolve(proto::RoomId::trusted(room_id), proto::RoomVersion::get("11"), groups));
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
        costs.cpu_ms.push_back(cpu_ms() - cpu_before);
        costs.wall_ms.push_back(took.count());
        costs.queries.push_back(queries() - queries_before);
        costs.rows.push_back(rows_read(db, control) - rows_before);
    }

    asio::io_context io_;
    core::DatabaseConfig config_;
};

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
    CLI::App app{"Measures state resolution in rooms of several sizes"};
    std::string connection;
    std::vector<int> sizes{1'000, 10'000, 100'000};
    std::vector<int> forks{2, 5, 20};
    app.add_option("--database", connection, "libpq keywords of an empty database")->required();
    app.add_option("--sizes", sizes, "State events of the rooms")->delimiter(',');
    app.add_option("--forks", forks, "Numbers of extremities")->delimiter(',');
    CLI11_PARSE(app, argc, argv);
    try {
        weft::core::LogConfig quiet;
        quiet.level = weft::core::LogLevel::kWarning;
        weft::core::init_logging(quiet, "bench");
        std::cout << boost::json::serialize(weft::bench::Bench{connection}.run(sizes, forks)) << '\n';
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
