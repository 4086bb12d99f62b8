#pragma once

#include "weft/handlers/rooms/room_directory.hpp"
#include "weft/handlers/rooms/room_previews.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /room_summary/{roomIdOrAlias} (with its older paths) and /rooms/{roomId}/hierarchy.
class RoomPreviewEndpoints {
public:
    RoomPreviewEndpoints(handlers::RoomPreviews& previews, handlers::RoomDirectory& directory)
        : previews_{previews}, directory_{directory} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_summary(http::Request request);
    Task<http::Response> get_hierarchy(http::Request request);

    handlers::RoomPreviews& previews_;
    handlers::RoomDirectory& directory_;
};

}  // namespace weft::rest
