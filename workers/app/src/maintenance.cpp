#include "maintenance.hpp"

#include "weft/core/async.hpp"
#include "weft/core/log.hpp"
#include "weft/storage/auth_chains.hpp"
#include "weft/storage/event_record_cleaner.hpp"
#include "weft/storage/push_action_rotator.hpp"
#include "weft/storage/state_compactor.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::workers {
namespace {

constexpr core::Milliseconds kCollectEvery{24 * 3'600'000};
constexpr core::Milliseconds kRotateEvery{30 * 60'000};
constexpr core::Milliseconds kCleanEvery{3'600'000};

/// For what was stored before there was that index, e.g. by Synapse.
Task<void> index_auth_chains(storage::Database& db) {
    storage::AuthChainIndexer indexer{db};
    co_await indexer.run();
}

/// What a purge, or a Synapse that failed to store an event, has left.
Task<void> collect_state_groups(storage::Databases databases) {
    storage::StateCompactor compactor{databases};
    for (;;) {
        co_await core::sleep_for(kCollectEvery);
        try {
            co_await compactor.collect_unreferenced();
        } catch (const storage::StoreError& error) {
            core::log_warning("workers.maintenance", "state groups were not collected: {}", error.what());
        }
    }
}

Task<void> rotate_push_actions(storage::Database& db, const core::Clock& clock) {
    storage::PushActionRotator rotator{db, clock};
    for (;;) {
        try {
            co_await rotator.rotate();
        } catch (const storage::StoreError& error) {
            core::log_warning("workers.maintenance", "push actions were not rolled up: {}", error.what());
        }
        co_await core::sleep_for(kRotateEvery);
    }
}

Task<void> clean_event_records(storage::Database& db, const core::Clock& clock) {
    storage::EventRecordCleaner cleaner{db, clock};
    for (;;) {
        try {
            co_await cleaner.clean();
        } catch (const storage::StoreError& error) {
            core::log_warning("workers.maintenance", "old records of events were not deleted: {}", error.what());
        }
        co_await core::sleep_for(kCleanEvery);
    }
}

}  // namespace

void start_maintenance(core::BackgroundTasks& tasks, storage::Database& db, storage::Database* state_db, const core::Clock& clock) {
    const auto databases = state_db ? storage::Databases{db, *state_db} : storage::Databases{db};
    tasks.spawn("auth_chain_index", [&db] { return index_auth_chains(db); });
    tasks.spawn("collect_state_groups", [databases] { return collect_state_groups(databases); });
    tasks.spawn("rotate_push_actions", [&db, &clock] { return rotate_push_actions(db, clock); });
    tasks.spawn("clean_event_records", [&db, &clock] { return clean_event_records(db, clock); });
}

}  // namespace weft::workers
