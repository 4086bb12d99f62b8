#include <optional>

#include <fmt/format.h>

#include "engine/connection.hpp"
#include "weft/core/log.hpp"
#include "weft/storage/migrations.hpp"

namespace weft::storage {

namespace {

/// Any number, but the same in all processes: "weft" in ASCII.
constexpr std::int64_t kAdvisoryLock = 0x77656674;

constexpr Sql kEncoding{"migrate_encoding",
                        "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = "
                        "current_database()"};
constexpr Sql kTryLock{"migrate_try_lock", "SELECT pg_try_advisory_lock($1)"};
constexpr Sql kLock{"migrate_lock", "SELECT pg_advisory_lock($1)"};
constexpr Sql kTableExists{"migrate_table_exists", "SELECT to_regclass($1) IS NOT NULL"};
constexpr Sql kSynapseVersion{"migrate_synapse_version", "SELECT max(version) FROM schema_version"};
constexpr Sql kPendingUpdates{
    "migrate_pending_updates",
    "SELECT string_agg(update_name, ', ' ORDER BY update_name) FROM background_updates"};
constexpr Sql kApplied{"migrate_applied", "SELECT version FROM weft_schema_migrations"};
constexpr Sql kRecord{"migrate_record",
                      "INSERT INTO weft_schema_migrations (version, name, applied_ts) VALUES ($1, $2, "
                      "(extract(epoch FROM clock_timestamp()) * 1000)::bigint)"};

constexpr auto kCreateTable = R"sql(
    CREATE TABLE IF NOT EXISTS weft_schema_migrations (
        version    INTEGER PRIMARY KEY,
        name       TEXT NOT NULL,
        applied_ts BIGINT NOT NULL
    ))sql";

/// A Synapse that used the database in between has counted on by itself, and a dump of data alone has left
/// the sequences behind.
constexpr Sql kRaiseSequences{"migrate_raise_sequences", R"sql(
    SELECT setval('weft_access_token_id_seq', m) FROM (SELECT max(id) AS m FROM access_tokens) AS t,
        weft_access_token_id_seq AS s WHERE m > s.last_value - (NOT s.is_called)::int
    UNION ALL
    SELECT setval('weft_push_rule_id_seq', m) FROM (SELECT max(id) AS m FROM push_rules) AS t,
        weft_push_rule_id_seq AS s WHERE m > s.last_value - (NOT s.is_called)::int
    UNION ALL
    SELECT setval('weft_push_rule_enable_id_seq', m) FROM (SELECT max(id) AS m FROM push_rules_enable) AS t,
        weft_push_rule_enable_id_seq AS s WHERE m > s.last_value - (NOT s.is_called)::int
    UNION ALL
    SELECT setval('weft_event_report_id_seq', m) FROM (SELECT max(id) AS m FROM event_reports) AS t,
        weft_event_report_id_seq AS s WHERE m > s.last_value - (NOT s.is_called)::int
    UNION ALL
    SELECT setval('state_group_id_seq', m) FROM (SELECT max(id) AS m FROM state_groups) AS t,
        state_group_id_seq AS s WHERE m > s.last_value - (NOT s.is_called)::int
    UNION ALL
    SELECT setval('cache_invalidation_stream_seq', m)
        FROM (SELECT max(stream_id) AS m FROM cache_invalidation_stream_by_instance) AS t,
        cache_invalidation_stream_seq AS s WHERE m > s.last_value - (NOT s.is_called)::int)sql"};

bool table_exists(Connection& connection, const std::string& table) {
    return connection.execute(kTableExists, {Param{table}}).front()[0].boolean();
}

void check_encoding(Connection& connection) {
    const auto rows = connection.execute(kEncoding, {});
    const auto row = rows.front();
    if (row[0].view() != "UTF8") {
        throw StoreError{fmt::format(
            "the database's encoding is {}, it must be UTF8: create it with ENCODING 'UTF8' LC_COLLATE 'C' "
            "LC_CTYPE 'C' TEMPLATE template0",
            row[0].view())};
    }
    if (row[1].view() != "C" && row[1].view() != "POSIX") {
        core::log_warning("database",
                          "the database's collation is {}, not C: indexes may break when the operating "
                          "system changes its sort order",
                          row[1].view());
    }
}

/// The version of Synapse's schema, if its tables are here.
std::optional<std::int64_t> check_synapse_schema(Connection& connection) {
    if (!table_exists(connection, "schema_version")) return std::nullopt;
    const auto version = connection.execute(kSynapseVersion, {}).front()[0].opt_i64();
    if (!version) throw StoreError{"the database has Synapse's tables, but schema_version is empty"};
    if (*version != kSynapseSchemaVersion) {
        throw StoreError{
            fmt::format("the database has Synapse's schema version {}, only version {} (Synapse 1.13 to "
                        "1.19) can be used{}",
                        *version, kSynapseSchemaVersion,
                        *version < kSynapseSchemaVersion ? ": run one of those versions on it first" : "")};
    }
    return version;
}

/// Columns that one of Synapse's background updates still fills cannot be trusted, and only Synapse can
/// finish it.
void check_background_updates(Connection& connection) {
    const auto pending = connection.execute(kPendingUpdates, {}).front()[0].opt_str();
    if (!pending) return;
    throw StoreError{fmt::format(
        "Synapse's background updates are not finished: {}; run Synapse until they are", *pending)};
}

std::vector<int> applied_versions(Connection& connection) {
    std::vector<int> versions;
    for (const auto row : connection.execute(kApplied, {}))
        versions.push_back(static_cast<int>(row[0].i64()));
    return versions;
}

void apply(Connection& connection, const Migration& migration, bool run_it) {
    connection.begin();
    try {
        if (run_it) connection.execute_script(std::string{migration.sql});
        connection.execute(kRecord, {Param{migration.version}, Param{migration.name}});
        connection.commit();
    } catch (...) {
        connection.rollback();
        throw;
    }
}

/// What of migration 1 belongs to state groups.
constexpr auto kStateTables = R"sql(
    CREATE SEQUENCE IF NOT EXISTS state_group_id_seq;
    CREATE TABLE IF NOT EXISTS state_groups (
        id       BIGINT NOT NULL CONSTRAINT state_groups_pkey PRIMARY KEY,
        room_id  TEXT NOT NULL,
        event_id TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS state_groups_room_id_idx ON state_groups (room_id);
    CREATE TABLE IF NOT EXISTS state_groups_state (
        state_group BIGINT NOT NULL,
        room_id     TEXT NOT NULL,
        type        TEXT NOT NULL,
        state_key   TEXT NOT NULL,
        event_id    TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS state_groups_state_type_idx ON state_groups_state (state_group, type, state_key);
    CREATE TABLE IF NOT EXISTS state_group_edges (
        state_group      BIGINT NOT NULL,
        prev_state_group BIGINT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS state_group_edges_idx ON state_group_edges (state_group);
    CREATE INDEX IF NOT EXISTS state_group_edges_prev_idx ON state_group_edges (prev_state_group))sql";
constexpr Sql kHasGroups{"migrate_has_groups", "SELECT EXISTS (SELECT 1 FROM state_groups)"};
constexpr Sql kRaiseGroupSequence{"migrate_raise_group_sequence", R"sql(
    SELECT setval('state_group_id_seq', m) FROM (SELECT max(id) AS m FROM state_groups) AS t,
        state_group_id_seq AS s WHERE m > s.last_value - (NOT s.is_called)::int)sql"};

}  // namespace

std::vector<std::string> migrate(const Database& database) {
    // One connection of our own: the advisory lock belongs to the session and goes with it, however we leave.
    Connection connection{database.config().connection_string, "weft migrate"};
    check_encoding(connection);
    if (!connection.execute(kTryLock, {Param{kAdvisoryLock}}).front()[0].boolean()) {
        core::log_info("database", "waiting for another process that is migrating the database");
        connection.execute(kLock, {Param{kAdvisoryLock}});
    }
    const bool has_synapse_tables = check_synapse_schema(connection).has_value();
    const bool adopting = has_synapse_tables && !table_exists(connection, "weft_schema_migrations");
    if (adopting) check_background_updates(connection);
    connection.execute_script(kCreateTable);

    const auto applied = applied_versions(connection);
    const int newest = migrations().back().version;
    std::vector<std::string> done;
    for (const int version : applied) {
        if (version > newest) {
            throw StoreError{fmt::format(
                "the database has migration {}, this program knows only {}: it is too old", version, newest)};
        }
    }
    for (const auto& migration : migrations()) {
        if (std::ranges::find(applied, migration.version) != applied.end()) continue;
        const bool adopted = migration.version == 1 && has_synapse_tables;
        apply(connection, migration, !adopted);
        core::log_info("database", "migration {} {}", migration.name,
                       adopted ? "skipped: Synapse's tables are here" : "applied");
        if (!adopted) done.emplace_back(migration.name);
    }
    connection.execute(kRaiseSequences, {});
    return done;
}

void migrate_state(const Database& main, const Database& state) {
    Connection connection{state.config().connection_string, "weft migrate"};
    check_encoding(connection);
    connection.execute(kLock, {Param{kAdvisoryLock}});
    connection.execute_script(kStateTables);
    if (!connection.execute(kHasGroups, {}).front()[0].boolean()) {
        Connection of_main{main.config().connection_string, "weft migrate"};
        if (of_main.execute(kHasGroups, {}).front()[0].boolean()) {
            throw StoreError{
                "the database for state is empty, but there are state groups in the main one: copy its tables "
                "state_groups, state_groups_state and state_group_edges first"};
        }
    }
    connection.execute(kRaiseGroupSequence, {});
}

}  // namespace weft::storage
