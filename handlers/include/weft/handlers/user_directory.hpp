#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/core/background.hpp"
#include "weft/core/config.hpp"
#include "weft/storage/stream_state.hpp"
#include "weft/storage/user_directory_store.hpp"

namespace weft::handlers {

/// Finding people (client-server API, "User Directory", "Mutual Rooms"). In the master it also keeps the
/// directory up to date with the rooms. Logic thread only.
class UserDirectory {
public:
    UserDirectory(storage::UserDirectoryStore& store, storage::StreamState& events,
                  const core::Config& config, asio::any_io_executor executor);

    struct Found {
        std::vector<storage::DirectoryUser> users;
        bool limited = false;
    };
    /// Those whose name or ID holds words that begin so. Nobody where the directory is switched off.
    Task<Found> search(std::string user_id, std::string term, std::size_t limit);

    struct MutualRooms {
        std::vector<std::string> rooms;
        std::int64_t count = 0;
        std::optional<std::string> next;  // the room after which to go on
    };
    Task<MutualRooms> mutual_rooms(std::string user_id, std::string other, std::string after);

    /// Takes in what happened while nobody did; in the master only, which then follows the events stream.
    void start();
    Task<void> stop();

private:
    void wake();
    Task<void> follow();

    storage::UserDirectoryStore& store_;
    storage::StreamState& events_;
    std::string server_name_;
    core::UserDirectoryConfig options_;
    std::int64_t changed_at_ = 0;  // token of the newest change that concerns the directory
    std::int64_t followed_to_ = 0;
    bool following_ = false;
    bool started_ = false;
    core::BackgroundTasks tasks_;
};

/// The words of a text in the way names are split in the directory. Pure.
std::vector<std::string> directory_words(std::string_view text);

}  // namespace weft::handlers
