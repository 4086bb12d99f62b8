#include "weft/storage/dehydrated_device_store.hpp"

namespace weft::storage {
namespace {

constexpr Sql kOfUser{"dehydrated_device_of_user",
                      "SELECT device_id, device_data FROM dehydrated_devices WHERE user_id = $1"};
constexpr Sql kSet{"set_dehydrated_device", R"sql(
    INSERT INTO dehydrated_devices (user_id, device_id, device_data) VALUES ($1, $2, $3)
    ON CONFLICT (user_id) DO UPDATE SET device_id = excluded.device_id, device_data = excluded.device_data)sql"};

}  // namespace

Task<std::optional<DehydratedDevice>> DehydratedDeviceStore::of_user(std::string user_id) {
    const auto rows = co_await context_.db.query(kOfUser, user_id);
    if (rows.empty()) co_return std::nullopt;
    co_return DehydratedDevice{rows.front()[0].str(), rows.front()[1].str()};
}

Task<void> DehydratedDeviceStore::set(std::string user_id, DehydratedDevice device) {
    co_await context_.db.query(kSet, user_id, device.device_id, device.data);
}

}  // namespace weft::storage
