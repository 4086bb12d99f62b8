#include "weft/handlers/accounts/devices.hpp"

#include <fmt/format.h>

#include "character_count.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {
namespace {

core::MatrixError unknown_device() {
    return core::MatrixError::not_found("No device with this ID");
}

void check_display_name(const std::optional<std::string>& name) {
    if (!name || character_count(*name) <= Devices::kDisplayNameCharactersMax) return;
    throw core::MatrixError::invalid_param(
        fmt::format("Device display name is longer than {} characters", Devices::kDisplayNameCharactersMax));
}

}  // namespace

Devices::Devices(storage::DeviceStore& devices, storage::AccessTokenStore& tokens)
    : devices_{devices}, tokens_{tokens} {}

Task<std::vector<storage::Device>> Devices::list(std::string user_id) {
    co_return co_await devices_.get_devices(std::move(user_id));
}

Task<storage::Device> Devices::get(std::string user_id, std::string device_id) {
    auto device = co_await devices_.get_device(std::move(user_id), std::move(device_id));
    if (!device) throw unknown_device();
    co_return std::move(*device);
}

Task<void> Devices::rename(std::string user_id, std::string device_id,
                           std::optional<std::string> display_name) {
    check_display_name(display_name);
    const auto device = co_await devices_.get_device(user_id, device_id);
    if (!device) throw unknown_device();
    if (!display_name || device->display_name == display_name) co_return;
    if (!co_await devices_.set_display_name(user_id, device_id, std::move(display_name)))
        throw unknown_device();
    // Other clients show the name, so it is a change of the user's device list.
    std::vector<std::string> changed{std::move(device_id)};
    co_await devices_.add_changes(std::move(user_id), std::move(changed), {});
}

Task<void> Devices::prepare_login(std::string user_id, std::string device_id,
                                  std::optional<std::string> initial_display_name) {
    if (!proto::DeviceId::parse(device_id)) throw core::MatrixError::invalid_param("Invalid device ID");
    check_display_name(initial_display_name);
    const auto stored = co_await devices_.store_device(user_id, device_id, std::move(initial_display_name));
    std::vector<std::string> ids{std::move(device_id)};
    switch (stored) {
        case storage::StoredDevice::kCreated:
            co_await devices_.add_changes(std::move(user_id), std::move(ids), {});
            break;
        case storage::StoredDevice::kExists:
            // One session a device: whoever held an older token of it is out.
            co_await tokens_.delete_tokens_of_devices(std::move(user_id), std::move(ids));
            break;
        case storage::StoredDevice::kReserved:
            throw core::MatrixError::forbidden("This device ID is that of a cross-signing key");
    }
}

Task<void> Devices::remove(std::string user_id, std::vector<std::string> device_ids) {
    if (device_ids.empty()) co_return;
    // Tokens first: if the rest fails, the devices are at least logged out.
    co_await tokens_.delete_tokens_of_devices(user_id, device_ids);
    if (on_removed_) co_await on_removed_(user_id, device_ids);
    auto removed = co_await devices_.delete_devices(user_id, std::move(device_ids));
    if (!removed.empty()) co_await devices_.add_changes(std::move(user_id), std::move(removed), {});
}

Task<void> Devices::remove_all(std::string user_id, std::optional<Session> except) {
    const auto kept_token = except ? std::optional{except->access_token_id} : std::nullopt;
    co_await tokens_.delete_tokens_of_user(user_id, kept_token);
    std::vector<std::string> ids;
    for (auto& device : co_await devices_.get_devices(user_id)) {
        if (!except || device.device_id != except->device_id) ids.push_back(std::move(device.device_id));
    }
    co_await remove(std::move(user_id), std::move(ids));
}

}  // namespace weft::handlers
