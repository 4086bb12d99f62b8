#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weft/storage/database.hpp"

namespace weft::storage {

/// One numbered schema change: storage/schema/NNNN_name.sql, built into the program.
struct Migration {
    int version;
    std::string_view name;
    std::string_view sql;
};

/// All migrations, in order.
const std::vector<Migration>& migrations();

/// The newest schema of Synapse's that the tables here follow; a database with a later one is refused.
inline constexpr int kSynapseSchemaVersion = 58;

/// Brings the database up to date: applies what is missing, in order, each in its own transaction, while
/// holding an advisory lock, so that several processes may call it at once. In a database that Synapse made,
/// Synapse's own tables are adopted as they are. Blocks; for start-up, before the event loop runs. Returns
/// the names of what was applied. Throws StoreError with a text for the operator: encoding is not UTF8, or
/// the schema is not one we know.
std::vector<std::string> migrate(const Database& database);

/// The same for the database that the state groups have to themselves. Refuses to begin with an empty one while `main` has
/// groups: they have to be copied first.
void migrate_state(const Database& main, const Database& state);

}  // namespace weft::storage
