#include "weft/storage/erased_user_store.hpp"

namespace weft::storage {
namespace {

constexpr auto kCacheName = "is_user_erased";

constexpr Sql kAll{"erased_users", "SELECT user_id FROM erased_users"};
constexpr Sql kErase{"erase_user", "INSERT INTO erased_users (user_id) VALUES ($1) ON CONFLICT DO NOTHING"};
constexpr Sql kUnerase{"unerase_user", "DELETE FROM erased_users WHERE user_id = $1"};

}  // namespace

ErasedUserStore::ErasedUserStore(StoreContext context)
    : context_{std::move(context)}, cache_{kCacheName, 1, context_.executor} {
    context_.caches.add(
        kCacheName, [this](const std::vector<std::string>&) { cache_.invalidate_all(); },
        [this] { cache_.invalidate_all(); });
}

Task<std::shared_ptr<const ErasedUserStore::Users>> ErasedUserStore::all() {
    core::Cache<std::string, Users>::Loader load = [this](std::string) -> Task<Users> {
        Users users;
        for (const auto row : co_await context_.db.query(kAll)) users.insert(row[0].str());
        co_return users;
    };
    co_return co_await cache_.get("", std::move(load));
}

Task<void> ErasedUserStore::set_erased(std::string user_id, bool erased) {
    co_await context_.db.run("set_user_erased", [&, this](Transaction& txn) {
        txn.exec(erased ? kErase : kUnerase, user_id);
        context_.cache_writer.invalidate(txn, kCacheName, {user_id});
    });
}

}  // namespace weft::storage
