#pragma once

#include "weft/storage/database.hpp"
#include "weft/storage/persist_events_store.hpp"

namespace weft::storage {

struct PersistStatement {
    Sql sql;
    std::vector<Param> params;
};

/// What stores all of a batch that is not state, in one statement. `events`: those of the batch with their
/// tokens.
PersistStatement persist_statement(const PersistBatch& batch, const std::vector<proto::EventPtr>& events,
                                   std::int64_t now_ms);

/// Content goes into its own column as JSON, whatever it holds. What is copied out of it must do without
/// U+0000, which PostgreSQL does not store: one such event would fail the whole batch.
std::string column_text(std::string_view text);

}  // namespace weft::storage
