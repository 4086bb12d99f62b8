#pragma once

#include <string>
#include <utility>

#include "weft/core/task.hpp"
#include "weft/storage/appservice_store.hpp"

namespace weft::handlers {

/// The rooms that an application service shows in the room directory of a network of its own (application
/// service API, "Room directory").
class NetworkRooms {
public:
    explicit NetworkRooms(storage::AppserviceStore& store) : store_{store} {}

    Task<void> set_listed(std::string service_id, std::string network_id, std::string room_id, bool listed) {
        return store_.set_listed(std::move(service_id), std::move(network_id), std::move(room_id), listed);
    }

private:
    storage::AppserviceStore& store_;
};

}  // namespace weft::handlers
