#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/e2e/room_key_backup.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Key backups: /room_keys/version and /room_keys/keys.
class RoomKeysEndpoints {
public:
    explicit RoomKeysEndpoints(handlers::RoomKeyBackup& backup) : backup_{backup} {}
    void register_on(http::Router& router);

private:
    void register_versions(http::Router& router);
    void register_keys(http::Router& router);

    Task<http::Response> post_version(http::Request request);
    Task<http::Response> get_version(http::Request request);
    Task<http::Response> put_version(http::Request request);
    Task<http::Response> delete_version(http::Request request);

    Task<http::Response> put_keys(http::Request request);
    Task<http::Response> get_keys(http::Request request);
    Task<http::Response> delete_keys(http::Request request);

    handlers::RoomKeyBackup& backup_;
};

}  // namespace weft::rest
