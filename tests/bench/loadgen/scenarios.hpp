#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "matrix_user.hpp"
#include "pollers.hpp"

namespace weft::loadgen {

/// What the load generator can be told to do. A command is a JSON object whose "do" names it; the answer is a
/// JSON object too. Users and rooms that one command made stay for the following ones.
///
/// do: members -> answer
/// register: group, count
/// room: room, groups, members (indices in each group; without it: all). The first user creates it, the others
/// join -> room_id
/// say: group, room, messages
/// poll: group. Its users long-poll from now on
/// stop_polling -> other_responses
/// fanout: sender, room, sends, pause_ms -> first_ms, median_ms, last_ms, put_ms, deliveries
/// senders: group, senders, rooms, seconds -> messages, seconds, latency_ms
/// initial_syncs: group, seconds -> syncs, seconds, latency_ms, bytes
/// empty_syncs: group, seconds -> syncs, seconds, latency_ms, bytes
class Scenarios {
public:
    /// `run` makes the names of users unique on a server that was used before.
    Scenarios(asio::any_io_executor executor, Server server, std::string run);

    Task<json::object> perform(json::object command);

private:
    using Group = std::vector<std::unique_ptr<MatrixUser>>;

    Task<json::object> register_users(json::object command);
    Task<json::object> make_room(json::object command);
    Task<json::object> say(json::object command);
    Task<json::object> start_polling(json::object command);
    Task<json::object> stop_polling();
    Task<json::object> fanout(json::object command);
    Task<json::object> senders(json::object command);
    /// Every user of the group syncs again and again; initial ones, or incremental ones that find nothing.
    Task<json::object> syncs(json::object command, bool initial);

    Group& group(const json::object& command, std::string_view key);
    const std::string& room_id(const std::string& name) const;

    asio::any_io_executor executor_;
    Server server_;
    std::string run_;
    std::map<std::string, Group, std::less<>> groups_;
    std::map<std::string, std::string, std::less<>> rooms_;  // our name -> room ID
    std::unique_ptr<Pollers> pollers_;
};

}  // namespace weft::loadgen
