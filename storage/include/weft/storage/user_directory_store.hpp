#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

struct DirectoryUser {
    std::string user_id;
    std::optional<std::string> display_name;
    std::optional<std::string> avatar_url;
};

struct UserSearch {
    std::string by_user;
    std::vector<std::string> words;  // that names begin with; lower case, letters and digits only
    bool all_users = false;          // also those whom the user meets in no room
    bool prefer_local = false;
    std::string server_name;
    std::size_t limit = 10;
};

/// Who can be found by name: user_directory, user_directory_search and users_in_public_rooms follow the state
/// of rooms. With whom somebody shares a private room is asked of the rooms' state itself when they search: a
/// table of pairs would grow with the square of the room.
class UserDirectoryStore {
public:
    explicit UserDirectoryStore(StoreContext context, std::string server_name)
        : context_{std::move(context)}, server_name_{std::move(server_name)} {}

    /// Takes in the next changes of rooms' state up to a token of the events stream; false if there were
    /// none. The first call takes in everybody.
    Task<bool> follow(std::int64_t upto);
    /// Best matches first, at most one more than `limit`.
    Task<std::vector<DirectoryUser>> search(UserSearch search);
    /// Rooms in which both are joined, after a room ID, ordered.
    Task<std::vector<std::string>> mutual_rooms(std::string one, std::string other, std::string after,
                                                std::size_t limit);
    Task<std::int64_t> count_mutual_rooms(std::string one, std::string other);

private:
    StoreContext context_;
    std::string server_name_;
};

}  // namespace weft::storage
