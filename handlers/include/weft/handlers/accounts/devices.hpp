#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/task.hpp"
#include "weft/storage/access_token_store.hpp"
#include "weft/storage/device_store.hpp"

namespace weft::handlers {

/// Devices of local users. Every change leaves a row on the device_lists stream, for which its writer is asked
/// where that is another process.
class Devices {
public:
    static constexpr std::size_t kDisplayNameCharactersMax = 100;

    Devices(storage::DeviceStore& devices, storage::AccessTokenStore& tokens);

    Task<std::vector<storage::Device>> list(std::string user_id);
    /// Throws MatrixError 404 if the user has no such device.
    Task<storage::Device> get(std::string user_id, std::string device_id);
    /// Throws MatrixError 404, or M_INVALID_PARAM for a name that is too long. Without a name nothing
    /// changes.
    Task<void> rename(std::string user_id, std::string device_id, std::optional<std::string> display_name);

    /// A login on the device: makes it if it is new, else ends the sessions it had. Throws MatrixError:
    /// M_INVALID_PARAM for an ID that cannot be one, 403 M_FORBIDDEN for that of a cross-signing key.
    Task<void> prepare_login(std::string user_id, std::string device_id,
                             std::optional<std::string> initial_display_name);
    /// Removes devices with their access tokens and keys. Unknown ones are passed over.
    Task<void> remove(std::string user_id, std::vector<std::string> device_ids);
    /// All of the user's devices and access tokens, but for this session's if one is given.
    struct Session {
        std::int64_t access_token_id = 0;
        std::string device_id;
    };
    Task<void> remove_all(std::string user_id, std::optional<Session> except = std::nullopt);

    /// Called before devices are removed: what hangs on them goes with them.
    void on_removed(std::function<Task<void>(std::string user_id, std::vector<std::string> device_ids)> callback) {
        on_removed_ = std::move(callback);
    }

private:
    std::function<Task<void>(std::string, std::vector<std::string>)> on_removed_;
    storage::DeviceStore& devices_;
    storage::AccessTokenStore& tokens_;
};

}  // namespace weft::handlers
