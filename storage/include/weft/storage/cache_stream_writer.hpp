#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/stream_state.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// The `caches` stream, which every process writes: a transaction that makes cached values of other processes
/// stale leaves a row that names them. Row: [cache name, keys or null, timestamp]. Tokens come from a
/// database sequence inside the transaction; a process announces its own in ascending order, so no reader
/// passes over one that is still open.
class CacheStreamWriter {
public:
    /// Listens on `stream`: rows from anywhere invalidate what `registry` has under their name.
    CacheStreamWriter(Database& db, StreamState& stream, CacheRegistry& registry, std::string instance,
                      const core::Clock& clock, asio::any_io_executor executor);
    ~CacheStreamWriter();
    CacheStreamWriter(const CacheStreamWriter&) = delete;
    CacheStreamWriter& operator=(const CacheStreamWriter&) = delete;

    /// Adds the row to the transaction; after its commit invalidates here (before the caller goes on) and
    /// announces. `keys` are the cached method's arguments. Called on the database thread, within the
    /// transaction's body.
    void invalidate(Transaction& txn, const std::string& name, const std::vector<std::string>& keys);
    /// The same for several keys of one cache, with one statement.
    void invalidate_each(Transaction& txn, const std::string& name,
                         const std::vector<std::vector<std::string>>& keys);
    /// The same for the whole cache.
    void invalidate_all(Transaction& txn, const std::string& name);

    /// Rows of `instance` after `from`. Not bounded by `to`: rows are idempotent and wanted early.
    Task<StreamUpdates> updates(std::string instance, std::int64_t from, std::int64_t to, std::size_t limit);

    CacheRegistry& registry() { return registry_; }

private:
    struct Order;
    void write(Transaction& txn, const std::string& name, const std::vector<std::string>* keys);

    Database& db_;
    CacheRegistry& registry_;
    std::string instance_;
    const core::Clock& clock_;
    std::shared_ptr<Order> order_;
};

}  // namespace weft::storage
