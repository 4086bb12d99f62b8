#include "compact_state.hpp"

#include <iostream>
#include <optional>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "weft/core/clock.hpp"
#include "weft/core/log_context.hpp"
#include "weft/storage/state_compactor.hpp"

namespace weft::workers {
namespace {

constexpr std::int64_t kToldEveryMs = 1'000;

std::string describe(const storage::StateCompactor::Size& size) {
    return fmt::format("{} groups, {} rows, {:.1f} MB", size.groups, size.rows,
                       static_cast<double>(size.bytes) / 1e6);
}

Task<storage::StateCompactor::Report> compact(storage::Databases databases) {
    storage::StateCompactor compactor{databases};
    const core::SystemClock clock;
    auto told_ms = clock.monotonic_ms();
    co_return co_await compactor.run([&](const storage::StateCompactor::Progress& progress) {
        if (clock.monotonic_ms() - told_ms < kToldEveryMs && progress.rooms_done < progress.rooms) return;
        told_ms = clock.monotonic_ms();
        std::cout << fmt::format("{} of {} rooms, {} groups rewritten", progress.rooms_done, progress.rooms,
                                 progress.groups_rewritten)
                  << std::endl;
    });
}

}  // namespace

void compact_state(const core::Config& config) {
    asio::io_context io;
    storage::Database db{config.database, "weft compact-state", io.get_executor()};
    std::optional<storage::Database> state_db;
    if (config.state_database)
        state_db.emplace(*config.state_database, "weft compact-state", io.get_executor());
    storage::StateCompactor::Report report;
    std::exception_ptr failure;
    asio::co_spawn(core::with_context(io.get_executor(), std::make_shared<core::LogContext>("compact_state")),
                   compact(state_db ? storage::Databases{db, *state_db} : storage::Databases{db}),
                   [&](std::exception_ptr thrown, storage::StateCompactor::Report result) {
                       failure = std::move(thrown);
                       report = result;
                       io.stop();
                   });
    auto work = asio::make_work_guard(io);
    io.run();
    if (failure) std::rethrow_exception(failure);
    std::cout << "before: " << describe(report.before) << "\nafter:  " << describe(report.after)
              << fmt::format("\n{} groups rewritten, {} unreferenced ones deleted", report.rewritten,
                             report.collected);
    if (report.rooms_skipped > 0)
        std::cout << fmt::format(", {} rooms left as they are: groups of theirs build on newer ones",
                                 report.rooms_skipped);
    std::cout << "\nThe space of old rows is used again; VACUUM FULL state_groups_state gives it back to the "
                 "operating system."
              << std::endl;
}

}  // namespace weft::workers
