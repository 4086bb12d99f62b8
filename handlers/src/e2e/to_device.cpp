#include "weft/handlers/e2e/to_device.hpp"

#include <fmt/format.h>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/ids.hpp"
#include "weft/proto/json_writer.hpp"

namespace weft::handlers {

using core::MatrixError;

namespace {

constexpr std::int64_t kCleaningIntervalMs = 3'600'000;

std::string message_text(const storage::ToDeviceTransaction& from, const boost::json::object& content) {
    proto::JsonWriter writer;
    writer.begin_object()
        .member("sender", from.user_id)
        .member("type", from.event_type)
        .member("content", content)
        .end_object();
    return writer.take();
}

}  // namespace

Task<void> ToDevice::send(storage::ToDeviceTransaction transaction, boost::json::object messages) {
    std::vector<storage::ToDeviceMessage> out;
    for (const auto& [user_id, devices] : messages) {
        const auto user = proto::UserId::parse(user_id);
        if (!user)
            throw MatrixError::invalid_param(fmt::format("{} is not a user ID", std::string_view{user_id}));
        if (!devices.is_object())
            throw MatrixError::bad_json("messages must map users to devices to contents");
        const bool local = user->server_name() == server_name_;
        if (!local) core::log_debug("handlers.to_device", "messages to {} are dropped: no federation", *user);
        for (const auto& [device_id, content] : devices.get_object()) {
            if (!content.is_object())
                throw MatrixError::bad_json("the content of a message must be an object");
            // No device has an empty ID, or one with a NUL, which the database could not even be asked for.
            if (!local || !proto::DeviceId::parse(device_id)) continue;
            out.push_back(
                {user->str(), std::string{device_id}, message_text(transaction, content.get_object())});
        }
    }
    co_await remove_expired();
    co_await store_.add_messages(std::move(out), std::move(transaction));
}

Task<void> ToDevice::remove_expired() {
    const auto now_ms = clock_.now_ms();
    if (now_ms < next_cleaning_ms_) co_return;
    next_cleaning_ms_ = now_ms + kCleaningIntervalMs;
    co_await store_.forget_transactions_before(now_ms - kTransactionLifetimeMs);
}

}  // namespace weft::handlers
