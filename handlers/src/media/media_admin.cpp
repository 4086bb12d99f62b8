#include "weft/handlers/media/media_admin.hpp"

#include "weft/core/errors.hpp"

namespace weft::handlers {
namespace {

constexpr std::string_view kScheme = "mxc://";

}  // namespace

Task<void> MediaAdmin::quarantine(std::string origin, std::string media_id, std::string by) {
    co_await store_.quarantine({media_.key(origin, media_id)}, std::move(by));
}

Task<void> MediaAdmin::unquarantine(std::string origin, std::string media_id) {
    co_await store_.quarantine({media_.key(origin, media_id)}, std::nullopt);
}

Task<MediaAdmin::RoomMedia> MediaAdmin::in_room(std::string room_id) {
    RoomMedia out;
    for (auto& uri : co_await store_.uris_in_room(std::move(room_id))) {
        const auto name = std::string_view{uri}.substr(kScheme.size());
        const auto slash = name.find('/');
        if (slash == std::string_view::npos) continue;
        const bool is_ours = media_.is_ours(std::string{name.substr(0, slash)});
        (is_ours ? out.local : out.remote).push_back(std::move(uri));
    }
    co_return out;
}

Task<std::int64_t> MediaAdmin::quarantine_room(std::string room_id, std::string by) {
    const auto found = co_await in_room(std::move(room_id));
    std::vector<storage::MediaKey> keys;
    for (const auto* uris : {&found.local, &found.remote}) {
        for (const auto& uri : *uris) {
            const auto slash = uri.find('/', kScheme.size());
            keys.push_back(
                media_.key(uri.substr(kScheme.size(), slash - kScheme.size()), uri.substr(slash + 1)));
        }
    }
    co_return co_await store_.quarantine(std::move(keys), std::move(by));
}

Task<std::int64_t> MediaAdmin::quarantine_user(std::string user_id, std::string by) {
    return store_.quarantine_user(std::move(user_id), std::move(by));
}

Task<void> MediaAdmin::set_safe(std::string media_id, bool is_safe) {
    if (!co_await store_.set_safe(std::move(media_id), is_safe))
        throw core::MatrixError::not_found("There is no such media");
}

Task<storage::MediaPage> MediaAdmin::of_user(std::string user_id, std::int64_t offset, std::int64_t limit,
                                             storage::MediaOrder order, storage::MediaDirection direction) {
    return store_.of_user(std::move(user_id), offset, limit, order, direction);
}

Task<std::vector<std::string>> MediaAdmin::remove_all(std::vector<storage::Media> media) {
    std::vector<std::string> ids;
    for (const auto& one : media) ids.push_back(one.key.media_id);
    co_await media_.remove(std::move(media));
    co_return ids;
}

Task<std::vector<std::string>> MediaAdmin::remove(std::string origin, std::string media_id) {
    if (!media_.is_ours(origin)) throw core::MatrixError::unknown("Can only delete local media");
    auto media = co_await store_.get({"", std::move(media_id)});
    if (!media) throw core::MatrixError::not_found("Unknown media");
    co_return co_await remove_all({std::move(*media)});
}

Task<std::vector<std::string>> MediaAdmin::remove_before(std::int64_t before_ms, std::int64_t bytes_min,
                                                         bool keep_profiles) {
    const auto avatars = keep_profiles ? std::optional{media_.uri("")} : std::nullopt;
    std::vector<std::string> ids;
    for (;;) {
        auto some = co_await store_.local_before(before_ms, bytes_min, avatars);
        if (some.empty()) co_return ids;
        for (auto& id : co_await remove_all(std::move(some))) ids.push_back(std::move(id));
    }
}

Task<std::vector<std::string>> MediaAdmin::remove_of_user(std::string user_id, std::int64_t offset,
                                                          std::int64_t limit, storage::MediaOrder order,
                                                          storage::MediaDirection direction) {
    auto page = co_await store_.of_user(std::move(user_id), offset, limit, order, direction);
    co_return co_await remove_all(std::move(page.media));
}

Task<std::int64_t> MediaAdmin::purge_cache(std::int64_t before_ms) {
    std::int64_t count = 0;
    for (;;) {
        auto some = co_await store_.remote_before(before_ms);
        if (some.empty()) co_return count;
        count += static_cast<std::int64_t>(some.size());
        co_await media_.remove(std::move(some));
    }
}

}  // namespace weft::handlers
