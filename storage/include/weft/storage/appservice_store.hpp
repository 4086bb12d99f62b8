#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/linearizer.hpp"
#include "weft/proto/ids.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// What one application service is to be sent at once, and will be sent until it has it.
struct AppserviceTxn {
    std::int64_t txn_id = 0;
    std::vector<proto::EventId> events;
    std::string ephemeral = "[]";  // JSON array
};

/// What application services have been told. `application_services_txns` is the queue of each service.
class AppserviceStore {
public:
    explicit AppserviceStore(StoreContext context) : context_{std::move(context)} {}

    /// Place on the events stream up to which events have been handed out.
    Task<std::int64_t> position();
    /// Live events in (from, to], oldest first.
    Task<std::vector<std::pair<std::int64_t, proto::EventId>>> events(std::int64_t from, std::int64_t to,
                                                                      std::size_t limit);
    /// Queues a transaction for each service named, and moves the position, all or nothing.
    Task<void> hand_out(std::map<std::string, std::vector<std::string>> events_by_service,
                        std::int64_t position);
    Task<void> queue_ephemeral(std::string as_id, std::string ephemeral);
    /// The oldest transaction that the service does not have.
    Task<std::optional<AppserviceTxn>> oldest(std::string as_id);
    Task<void> complete(std::string as_id, std::int64_t txn_id);
    Task<void> set_up(std::string as_id, bool up);

    /// The published rooms of a service's network.
    Task<void> set_listed(std::string as_id, std::string network_id, std::string room_id, bool listed);

private:
    StoreContext context_;
    core::Linearizer queueing_{"appservice_queue"};  // two at a time would take the same number
};

}  // namespace weft::storage
