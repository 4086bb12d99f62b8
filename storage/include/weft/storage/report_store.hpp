#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// Somebody finds something inappropriate.
struct Report {
    std::string by_user;
    std::string reason;
    std::string content;  // JSON text of the request; of reported events only
};

/// What users reported, for administrators to look at (event_reports, room_reports, user_reports).
class ReportStore {
public:
    explicit ReportStore(StoreContext context) : context_{std::move(context)} {}

    Task<void> add_event(Report report, std::string room_id, std::string event_id);
    Task<void> add_room(Report report, std::string room_id);
    Task<void> add_user(Report report, std::string target_user_id);

private:
    StoreContext context_;
};

}  // namespace weft::storage
