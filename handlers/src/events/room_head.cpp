#include "events/room_head.hpp"

#include "weft/core/errors.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {
namespace {

bool is_local(std::string_view user_id, std::string_view server_name) {
    return user_id.size() > server_name.size() && user_id.ends_with(server_name) && user_id[user_id.size() - server_name.size() - 1] == ':';
}

std::string display_name(const proto::Event& member) {
    return std::string{proto::get_string(member.content(), "displayname").value_or("")};
}

}  // namespace

std::vector<std::pair<proto::StateKey, std::optional<proto::EventId>>> state_differences(const proto::StateMap& before,
                                                                                        const proto::StateMap& after) {
    std::vector<std::pair<proto::StateKey, std::optional<proto::EventId>>> out;
    for (const auto& [key, event_id] : before) {
        const auto found = after.find(key);
        if (found == after.end() || found->second != event_id) out.emplace_back(key, event_id);
    }
    for (const auto& [key, event_id] : after) {
        if (!before.contains(key)) out.emplace_back(key, std::nullopt);
    }
    return out;
}

void apply_member(RoomHead& head, const proto::Event& event, std::string_view old_membership, const std::string& server_name) {
    const auto membership = event.membership().value_or("leave");
    const auto& user_id = *event.state_key();
    head.joined += (membership == "join" ? 1 : 0) - (old_membership == "join" ? 1 : 0);
    if (!is_local(user_id, server_name)) return;
    const auto known = head.local_members->find(user_id);
    const auto name = display_name(event);
    if (membership == "join" ? known != head.local_members->end() && known->second == name : known == head.local_members->end()) return;
    auto members = std::make_shared<LocalAudience>(*head.local_members);
    if (membership == "join") {
        (*members)[user_id] = name;
    } else {
        members->erase(user_id);
    }
    head.local_members = std::move(members);
}

Task<RoomHead> RoomHeadLoader::load(proto::RoomId room_id) {
    RoomHead head;
    head.version = co_await events_.room_version(room_id);
    auto leaves = co_await events_.forward_extremities(room_id);
    if (!head.version || leaves.empty()) throw core::MatrixError::not_found("Unknown room");
    std::sort(leaves.begin(), leaves.end(), [](const auto& a, const auto& b) { return std::pair{a.second, a.first} > std::pair{b.second, b.first}; });
    for (const auto& [event_id, depth] : leaves) {
        head.leaves.push_back(event_id);
        head.depth = std::max(head.depth, depth);
    }
    std::vector<std::int64_t> groups;
    for (const auto& [event_id, group] : co_await states_.groups_of(head.leaves)) groups.push_back(group);
    if (groups.empty()) throw core::StoreError{"room without state: " + room_id.str()};
    co_await set_state(head, room_id, std::move(groups));
    const auto stored = co_await states_.stored_state(room_id);
    head.current_state_stored = !stored->empty();
    if (head.current_state_stored) head.current_state_errors = state_differences(*stored, *head.state);
    co_return head;
}

Task<void> RoomHeadLoader::set_state(RoomHead& head, proto::RoomId room_id, std::vector<std::int64_t> groups) {
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    head.state_group.reset();
    head.resolution.reset();
    head.group_chain = 0;
    if (groups.size() == 1) {
        head.state = co_await states_.group(groups.front());
        head.state_group = groups.front();
        head.group_chain = co_await states_.group_chain(groups.front());
    } else {
        head.resolution = co_await resolver_.resolve(room_id, *head.version, std::move(groups));
        head.state = co_await resolver_.whole_state(head.resolution);
        if (head.resolution->base) head.group_chain = co_await states_.group_chain(*head.resolution->base);
    }

    std::vector<proto::EventId> member_ids;
    for (const auto& [key, event_id] : *head.state) {
        if (key.type() == proto::event_type::kMember) member_ids.push_back(event_id);
    }
    head.joined = 0;
    head.local_members = std::make_shared<const LocalAudience>();
    const auto members = co_await events_.get_events(std::move(member_ids));
    for (const auto& member : members) apply_member(head, *member, "leave", server_name_);
}

}  // namespace weft::handlers
