#include "weft/handlers/user_data/tags.hpp"

#include "user_data/user_names.hpp"
#include "weft/proto/json_writer.hpp"

namespace weft::handlers {

std::string tags_content(const storage::TagsOfRoom& tags) {
    proto::JsonWriter writer;
    writer.begin_object().key("tags").begin_object();
    for (const auto& [tag, content] : tags) writer.key(tag).raw(content);
    return writer.end_object().end_object().take();
}

Task<std::string> Tags::get(std::string requester, std::string user_id, proto::RoomId room_id) {
    require_self(requester, user_id);
    const auto tags = co_await store_.tags(std::move(user_id));
    const auto found = tags->find(room_id.str());
    co_return tags_content(found == tags->end() ? storage::TagsOfRoom{} : found->second);
}

Task<void> Tags::set(std::string requester, std::string user_id, proto::RoomId room_id, std::string tag,
                     boost::json::object content) {
    require_self(requester, user_id);
    check_name("The tag", tag);
    co_await store_.set_tag(std::move(user_id), room_id.str(), std::move(tag), proto::to_json(content));
}

Task<void> Tags::remove(std::string requester, std::string user_id, proto::RoomId room_id, std::string tag) {
    require_self(requester, user_id);
    check_name("The tag", tag);
    co_await store_.remove_tag(std::move(user_id), room_id.str(), std::move(tag));
}

}  // namespace weft::handlers
