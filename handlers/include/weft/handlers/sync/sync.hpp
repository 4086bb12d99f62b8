#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "weft/core/clock.hpp"
#include "weft/handlers/ephemeral/presence.hpp"
#include "weft/handlers/ephemeral/typing.hpp"
#include "weft/handlers/push_actions.hpp"
#include "weft/handlers/reading/aggregations.hpp"
#include "weft/handlers/reading/visibility.hpp"
#include "weft/handlers/sync/notifier.hpp"
#include "weft/handlers/sync/sync_token.hpp"
#include "weft/http/body.hpp"
#include "weft/proto/filter.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/device_store.hpp"
#include "weft/storage/e2e_key_store.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/push_action_store.hpp"
#include "weft/storage/receipt_store.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/to_device_store.hpp"
#include "weft/storage/user_signature_store.hpp"

namespace weft::handlers {

/// GET /sync, parsed.
struct SyncRequest {
    std::string user_id;
    std::string device_id;
    std::optional<SyncToken> since;
    std::shared_ptr<const proto::FilterDefinition> filter;
    bool full_state = false;
    bool use_state_after = false;  // state at the end of timelines, not at their start
    std::int64_t timeout_ms = 0;
    std::string set_presence = "online";
};

/// The body of an answer: whole, or in parts that are made one after the other while they are sent.
struct SyncBody {
    std::string text;
    http::BodyStreamPtr parts;
};

/// What sync reads. All of it is in memory for a client that keeps up, so that an answer costs no query.
struct SyncSources {
    const core::Clock& clock;
    storage::StreamState& events_stream;
    storage::StreamState& typing_stream;
    storage::StreamState& presence_stream;
    storage::StreamState& push_rules_stream;
    storage::EventsStore& events;
    storage::StateStore& states;
    storage::AccountDataStore& account_data;
    storage::ReceiptStore& receipts;
    storage::PushActionStore& push_action_counts;
    storage::ToDeviceStore& to_device;
    storage::DeviceStore& devices;
    storage::UserSignatureStore& user_signatures;
    storage::E2eKeyStore& e2e_keys;
    PushActions& push_actions;
    Typing& typing;
    Presence& presence;
    Visibility& visibility;
    Aggregations& aggregations;
    Notifier& notifier;
    std::string server_name;
};

/// The client-server API's /sync ("Syncing"): what happened to a user since a token.
class Sync {
public:
    explicit Sync(SyncSources sources);
    ~Sync();

    /// Waits up to `timeout_ms` for news if there is none. The first answer to somebody who is in many rooms comes in parts,
    /// which must not outlive this object.
    Task<SyncBody> sync(SyncRequest request);
    /// Shutdown: polls that wait are answered now.
    void end_polls();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::handlers
