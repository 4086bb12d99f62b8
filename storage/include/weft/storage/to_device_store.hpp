#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// A message for a device of a local user.
struct ToDeviceMessage {
    std::string user_id;
    std::string device_id;  // "*": every device of the user
    std::string json;       // {"sender": .., "type": .., "content": ..}, as /sync hands it out
};

/// A client's request to send, by which a repetition of it is known.
struct ToDeviceTransaction {
    std::string user_id;
    std::string device_id;
    std::string event_type;
    std::string txn_id;
};

struct ToDeviceBatch {
    std::vector<std::string> messages;  // JSON texts, oldest first
    /// Everything up to here is in the batch: the client's next token.
    std::int64_t upto = 0;
};

/// Undelivered to-device messages. Stream `to_device`, row: [user ID or host]. Writing: the writer of
/// to_device only.
class ToDeviceStore {
public:
    ToDeviceStore(StoreContext context, StreamState& to_device);

    /// All messages get one token, which is returned. Devices that do not exist are left out. With a
    /// transaction that was done before nothing happens.
    Task<std::int64_t> add_messages(std::vector<ToDeviceMessage> messages,
                                    std::optional<ToDeviceTransaction> transaction = std::nullopt);
    /// Transactions done before this time may be repeated with effect.
    Task<void> forget_transactions_before(std::int64_t time_ms);
    /// Messages in (from, to], at least `limit` if there are so many (messages of one token are not parted).
    /// No query if the change cache says that nothing came.
    Task<ToDeviceBatch> get_messages(std::string user_id, std::string device_id, std::int64_t from,
                                     std::int64_t to, std::size_t limit = 100);
    /// The client has received everything up to `upto`. No query if nothing came since the last deletion.
    Task<std::size_t> delete_messages(std::string user_id, std::string device_id, std::int64_t upto);

    Task<StreamUpdates> updates(std::int64_t from, std::int64_t to, std::size_t limit);
    StreamState& stream() { return to_device_; }

private:
    void remember_deleted(const KeyPair& device, std::int64_t upto);

    StoreContext context_;
    StreamState& to_device_;
    /// Up to where a device's messages were deleted by this process.
    std::unordered_map<KeyPair, std::int64_t, KeyPairHash> deleted_upto_;
};

}  // namespace weft::storage
