#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// Long work that an administrator has asked for.
struct AdminTask {
    std::string task_id;
    std::string action;
    std::string subject;            // the room
    std::string status = "active";  // active, complete, failed
    std::string arguments = "{}";   // JSON
    std::string progress = "{}";    // JSON
    std::optional<std::string> error;
    std::int64_t created_ms = 0;
};

/// Work of administrators that goes on after a restart (`admin_tasks`).
class AdminTaskStore {
public:
    explicit AdminTaskStore(StoreContext context) : context_{std::move(context)} {}

    Task<void> add(AdminTask task);
    Task<std::optional<AdminTask>> get(std::string task_id);
    /// Newest first.
    Task<std::vector<AdminTask>> of_subject(std::string action, std::string subject);
    Task<std::vector<AdminTask>> active();
    Task<void> set_progress(std::string task_id, std::string progress);
    /// No error: complete.
    Task<void> finish(std::string task_id, std::string progress, std::optional<std::string> error);

private:
    StoreContext context_;
};

}  // namespace weft::storage
