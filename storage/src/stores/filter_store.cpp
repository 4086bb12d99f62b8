#include "weft/storage/filter_store.hpp"

#include "stores/store_support.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::storage {

namespace {

constexpr std::size_t kCacheEntries = 2'000;
/// Two requests of one user can pick the same number; only one of them keeps it.
constexpr int kAttemptsMax = 5;

constexpr Sql kFind{"find_filter", R"sql(
    SELECT filter_id FROM user_filters WHERE user_id = $1 AND filter_json = convert_to($2, 'UTF8'))sql"};

constexpr Sql kInsert{"insert_filter", R"sql(
    INSERT INTO user_filters (user_id, filter_id, filter_json)
    SELECT $1, COALESCE(max(filter_id) + 1, 0), convert_to($2, 'UTF8') FROM user_filters WHERE user_id = $1
    RETURNING filter_id)sql"};

constexpr Sql kGet{"get_filter", R"sql(
    SELECT convert_from(filter_json, 'UTF8') FROM user_filters WHERE user_id = $1 AND filter_id = $2::bigint)sql"};

}  // namespace

FilterStore::FilterStore(StoreContext context)
    : context_{std::move(context)},
      filters_{"get_user_filter", context_.scaled(kCacheEntries), context_.executor} {}

Task<std::int64_t> FilterStore::add(std::string localpart, std::string filter_json) {
    for (int attempt = 1;; ++attempt) {
        try {
            co_return co_await context_.db.run("add_filter", [&](Transaction& txn) {
                const auto found = txn.exec(kFind, localpart, filter_json);
                if (!found.empty()) return found.front()[0].i64();
                return txn.exec(kInsert, localpart, filter_json).front()[0].i64();
            });
        } catch (const UniqueViolation&) {
            if (attempt == kAttemptsMax) throw;
        }
    }
}

Task<std::shared_ptr<const std::string>> FilterStore::get(std::string localpart, std::int64_t filter_id) {
    const KeyPair key{std::move(localpart), std::to_string(filter_id)};
    const auto cached =
        co_await filters_.get(key, [this](KeyPair wanted) -> Task<std::optional<std::string>> {
            const auto rows = co_await context_.db.query(kGet, wanted.first, wanted.second);
            if (rows.empty()) co_return std::nullopt;
            co_return rows.front()[0].str();
        });
    if (!*cached) filters_.invalidate(key);  // the number may be given out later
    co_return present(cached);
}

}  // namespace weft::storage
