#include "weft/handlers/e2e/dehydrated_devices.hpp"

#include <charconv>

#include <fmt/format.h>

#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

using core::MatrixError;

namespace {

/// `d<position>`: the last message handed out.
std::int64_t parse_token(std::string_view text) {
    std::int64_t position = -1;
    const auto* const end = text.data() + text.size();
    if (text.starts_with('d')) {
        const auto parsed = std::from_chars(text.data() + 1, end, position);
        if (parsed.ec != std::errc{} || parsed.ptr != end) position = -1;
    }
    if (position < 0) throw MatrixError::invalid_param("next_batch: not a token of this server");
    return position;
}

}  // namespace

DehydratedDevices::DehydratedDevices(storage::DehydratedDeviceStore& store,
                                     storage::DeviceStore& device_store, storage::ToDeviceStore& to_device,
                                     Devices& devices, DeviceKeys& keys)
    : store_{store}, device_store_{device_store}, to_device_{to_device}, devices_{devices}, keys_{keys} {}

Task<void> DehydratedDevices::put(std::string user_id, Wanted wanted) {
    const auto turn = co_await changes_.lock(user_id);
    const auto before = co_await store_.of_user(user_id);
    const std::vector<std::string> made{wanted.device_id};
    const bool replaces = !before || before->device_id != wanted.device_id;
    if (replaces && co_await device_store_.get_device(user_id, wanted.device_id))
        throw MatrixError::invalid_param("This is the ID of a device that is logged in");
    co_await devices_.prepare_login(user_id, wanted.device_id, std::move(wanted.display_name));
    std::exception_ptr refused;
    try {
        co_await keys_.upload(user_id, wanted.device_id, std::move(wanted.keys));
    } catch (const MatrixError&) {
        refused = std::current_exception();
    }
    if (refused) {
        if (replaces) co_await devices_.remove(user_id, made);
        std::rethrow_exception(refused);
    }
    storage::DehydratedDevice device{std::move(wanted.device_id), proto::to_json(wanted.data)};
    co_await store_.set(user_id, std::move(device));
    if (!before || !replaces) co_return;
    std::vector<std::string> gone{before->device_id};
    co_await devices_.remove(std::move(user_id), std::move(gone));
}

Task<storage::DehydratedDevice> DehydratedDevices::get(std::string user_id) {
    auto device = co_await store_.of_user(std::move(user_id));
    if (!device) throw MatrixError::not_found("No dehydrated device");
    co_return std::move(*device);
}

Task<std::string> DehydratedDevices::remove(std::string user_id) {
    const auto turn = co_await changes_.lock(user_id);
    const auto device = co_await get(user_id);
    std::vector<std::string> gone{device.device_id};
    co_await devices_.remove(std::move(user_id), std::move(gone));
    co_return device.device_id;
}

Task<DehydratedDevices::Messages> DehydratedDevices::messages(std::string user_id, std::string device_id,
                                                              std::optional<std::string> next_batch) {
    const auto from = next_batch ? parse_token(*next_batch) : 0;
    const auto device = co_await store_.of_user(user_id);
    if (!device || device->device_id != device_id)
        throw MatrixError::forbidden("This is not your dehydrated device");
    const auto upto = std::max(from, to_device_.stream().current());
    auto batch =
        co_await to_device_.get_messages(std::move(user_id), std::move(device_id), from, upto, kMessagesMax);
    co_return Messages{std::move(batch.messages), fmt::format("d{}", batch.upto)};
}

}  // namespace weft::handlers
