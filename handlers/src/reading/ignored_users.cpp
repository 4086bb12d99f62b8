#include "weft/handlers/reading/ignored_users.hpp"

#include "weft/proto/json.hpp"

namespace weft::handlers {

Task<IgnoredUsers> ignored_users(storage::AccountDataStore& account_data, std::string user_id) {
    IgnoredUsers out;
    const auto content = co_await account_data.global_by_type(user_id, "m.ignored_user_list");
    if (!content) co_return out;
    const auto parsed = proto::parse_json_object(*content);
    const auto* const users = parsed ? proto::get_object(*parsed, "ignored_users") : nullptr;
    if (!users) co_return out;
    for (const auto& entry : *users) out.insert(std::string{entry.key()});
    out.erase(user_id);
    co_return out;
}

void remove_ignored(std::vector<storage::StoredEventPtr>& events, const IgnoredUsers& ignored) {
    if (ignored.empty()) return;
    std::erase_if(events, [&](const auto& stored) {
        return !stored->event->is_state() && ignored.contains(stored->event->sender().str());
    });
}

}  // namespace weft::handlers
