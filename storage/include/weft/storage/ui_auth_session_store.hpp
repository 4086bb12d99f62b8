#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// A user-interactive authentication under way: what it is for, and which stages are done.
struct UiAuthSession {
    std::string session_id;
    std::string method;
    std::string uri;
    std::string client_data;                    // JSON: what the operation is bound to
    std::string server_data;                    // JSON: what became of it
    std::map<std::string, std::string> stages;  // stage type -> result (JSON)
};

/// User-interactive authentication sessions (`ui_auth_sessions`), which survive restarts and may hop
/// processes.
class UiAuthSessionStore {
public:
    explicit UiAuthSessionStore(StoreContext context) : context_{std::move(context)} {}

    std::int64_t now_ms() const { return context_.clock.now_ms(); }

    Task<std::optional<UiAuthSession>> get(std::string session_id);
    /// Makes the session if it is new (`stages` is not looked at), else replaces its client data, and adds
    /// the stage.
    Task<void> complete_stage(UiAuthSession session, std::string stage, std::string result);
    Task<void> set_server_data(std::string session_id, std::string server_data);
    /// Removes sessions begun before this time.
    Task<void> remove_begun_before(std::int64_t time_ms);

private:
    StoreContext context_;
};

}  // namespace weft::storage
