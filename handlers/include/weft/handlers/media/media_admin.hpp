#pragma once

#include <string>
#include <vector>

#include "weft/handlers/media/media_repository.hpp"

namespace weft::handlers {

/// What administrators do with media.
class MediaAdmin {
public:
    MediaAdmin(storage::MediaStore& store, MediaRepository& media) : store_{store}, media_{media} {}

    /// Media nobody can download any more, or can again.
    Task<void> quarantine(std::string origin, std::string media_id, std::string by);
    Task<void> unquarantine(std::string origin, std::string media_id);
    Task<std::int64_t> quarantine_room(std::string room_id, std::string by);
    Task<std::int64_t> quarantine_user(std::string user_id, std::string by);
    /// Throws M_NOT_FOUND.
    Task<void> set_safe(std::string media_id, bool is_safe);

    struct RoomMedia {
        std::vector<std::string> local;
        std::vector<std::string> remote;
    };
    Task<RoomMedia> in_room(std::string room_id);
    Task<storage::MediaPage> of_user(std::string user_id, std::int64_t offset, std::int64_t limit,
                                     storage::MediaOrder order, storage::MediaDirection direction);

    /// Deleted media, by ID. Only ours can be deleted one by one: throws M_UNKNOWN for another's,
    /// M_NOT_FOUND.
    Task<std::vector<std::string>> remove(std::string origin, std::string media_id);
    Task<std::vector<std::string>> remove_before(std::int64_t before_ms, std::int64_t bytes_min,
                                                 bool keep_profiles);
    Task<std::vector<std::string>> remove_of_user(std::string user_id, std::int64_t offset,
                                                  std::int64_t limit, storage::MediaOrder order,
                                                  storage::MediaDirection direction);
    /// Forgets cached media of other servers that nobody has asked for since; how many.
    Task<std::int64_t> purge_cache(std::int64_t before_ms);

private:
    Task<std::vector<std::string>> remove_all(std::vector<storage::Media> media);

    storage::MediaStore& store_;
    MediaRepository& media_;
};

}  // namespace weft::handlers
