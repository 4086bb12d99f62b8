#include "weft/storage/presence_store.hpp"

#include "stores/store_support.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {

using proto::replication::PresenceRow;

namespace {

constexpr std::size_t kCacheEntries = 10'000;
constexpr auto kCacheName = "_get_presence_for_user";

/// Each user's older rows go with the statement that writes the new one.
constexpr Sql kUpdate{"update_presence", R"sql(
    WITH old AS (DELETE FROM presence_stream WHERE user_id = ANY ($2::text[]) AND stream_id < ANY ($1::bigint[]))
    INSERT INTO presence_stream (stream_id, user_id, state, last_active_ts, last_federation_update_ts,
                                 last_user_sync_ts, status_msg, currently_active)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
                         $8::boolean[]))sql"};

constexpr Sql kNotOffline{"presence_not_offline", R"sql(
    SELECT user_id, state, last_active_ts, last_federation_update_ts, last_user_sync_ts, status_msg, currently_active
    FROM presence_stream WHERE state <> 'offline' ORDER BY stream_id)sql"};

constexpr Sql kOfUsers{"presence_of_users", R"sql(
    SELECT user_id, state, last_active_ts, last_federation_update_ts, last_user_sync_ts, status_msg, currently_active
    FROM presence_stream WHERE user_id = ANY ($1::text[]) ORDER BY stream_id)sql"};

constexpr Sql kUpdates{"presence_updates", R"sql(
    SELECT stream_id, user_id, state, last_active_ts, last_federation_update_ts, last_user_sync_ts, status_msg,
           currently_active
    FROM presence_stream WHERE stream_id > $1 AND stream_id <= $2
    ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

/// Reads the seven fields from column `first` on.
PresenceState to_state(const Rows::Row& row, std::size_t first = 0) {
    PresenceState state;
    state.user_id = row[first].str();
    state.state = row[first + 1].str();
    state.last_active_ts = row[first + 2].opt_i64().value_or(0);
    state.last_federation_update_ts = row[first + 3].opt_i64().value_or(0);
    state.last_user_sync_ts = row[first + 4].opt_i64().value_or(0);
    state.status_msg = row[first + 5].opt_str();
    state.currently_active = row[first + 6].boolean();
    return state;
}

}  // namespace

boost::json::value presence_row(const PresenceState& state) {
    return PresenceRow{
        state.user_id,           state.state,      state.last_active_ts,  state.last_federation_update_ts,
        state.last_user_sync_ts, state.status_msg, state.currently_active}
        .to_json();
}

std::optional<PresenceState> presence_from_row(const boost::json::value& row) {
    auto parsed = PresenceRow::parse(row);
    if (!parsed) return std::nullopt;
    return PresenceState{std::move(parsed->user_id), std::move(parsed->state),
                         parsed->last_active_ts,     parsed->last_federation_update_ts,
                         parsed->last_user_sync_ts,  std::move(parsed->status_msg),
                         parsed->currently_active};
}

PresenceStore::PresenceStore(StoreContext context, StreamState& presence)
    : context_{std::move(context)},
      presence_{presence},
      cache_{kCacheName, context_.scaled(kCacheEntries), context_.executor} {
    register_cache(context_.caches, kCacheName, cache_);
    presence_.on_invalidate([this](std::int64_t token, const StreamRows& rows) {
        for (const auto& json : rows) {
            const auto state = presence_from_row(json);
            if (!state) continue;
            cache_.invalidate(state->user_id);
            presence_.changes().entity_changed(state->user_id, token);
        }
    });
}

Task<std::int64_t> PresenceStore::update(std::vector<PresenceState> states) {
    std::map<std::string, PresenceState> newest;  // a user has one row, the last of the batch
    for (auto& state : states) newest.insert_or_assign(state.user_id, state);
    if (newest.empty()) co_return presence_.current();

    auto allocation = presence_.allocate(newest.size());
    std::vector<std::string> users, names;
    std::vector<std::int64_t> active, federated, synced;
    std::vector<std::optional<std::string>> messages;
    std::vector<bool> current;
    std::vector<std::pair<std::int64_t, boost::json::value>> rows;
    auto id = allocation.ids().begin();
    for (const auto& [user, state] : newest) {
        users.push_back(user);
        names.push_back(state.state);
        active.push_back(state.last_active_ts);
        federated.push_back(state.last_federation_update_ts);
        synced.push_back(state.last_user_sync_ts);
        messages.push_back(state.status_msg);
        current.push_back(state.currently_active);
        rows.emplace_back(*id++, presence_row(state));
    }
    co_await context_.db.query(kUpdate, allocation.ids(), users, names, active, federated, synced, messages,
                               current);
    const auto token = allocation.last();
    presence_.publish(std::move(allocation), std::move(rows));
    co_return token;
}

Task<std::vector<PresenceState>> PresenceStore::all_not_offline() {
    std::vector<PresenceState> states;
    for (const auto row : co_await context_.db.query(kNotOffline)) states.push_back(to_state(row));
    co_return states;
}

Task<std::map<std::string, PresenceState>> PresenceStore::get(std::vector<std::string> users) {
    using Loaded = std::unordered_map<std::string, std::optional<PresenceState>>;
    auto load = [&db = context_.db](std::vector<std::string> missing) -> Task<Loaded> {
        Loaded loaded;
        for (const auto row : co_await db.query(kOfUsers, missing)) loaded[row[0].str()] = to_state(row);
        co_return loaded;
    };
    const auto states = co_await get_many(cache_, presence_, users, std::move(load));
    std::map<std::string, PresenceState> known;
    for (const auto& state : states) {
        if (*state) known.insert_or_assign((*state)->user_id, **state);
    }
    co_return known;
}

Task<StreamUpdates> PresenceStore::updates(std::int64_t from, std::int64_t to, std::size_t limit) {
    const auto rows = co_await context_.db.query(kUpdates, from, to, limit);
    co_return make_updates(rows, to, limit,
                           [](const Rows::Row& row) { return presence_row(to_state(row, 1)); });
}

}  // namespace weft::storage
