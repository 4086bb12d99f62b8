#include "weft/handlers/media/media_repository.hpp"

#include <ctime>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/core/random.hpp"
#include "weft/handlers/media/media_paths.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kMediaIdLetters = 24;  // as Synapse's
constexpr std::int64_t kWaitMsMax = 60'000;
/// While somebody waits for an upload that another process may receive.
constexpr core::Milliseconds kAskAgain{250};
constexpr std::string_view kAnimatedType = "image/webp";
constexpr std::size_t kStillMax = 10'000;
constexpr int kThumbnailSideMax = 10'000;

[[noreturn]] void throw_not_found() {
    throw core::MatrixError::not_found("There is no such media");
}

std::string dated_media_id(std::int64_t now_ms) {
    const auto seconds = static_cast<std::time_t>(now_ms / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}_{}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                       core::random_letters(16));
}

}  // namespace

MediaRepository::MediaRepository(storage::MediaStore& store, MediaFiles& files, const core::Config& config,
                                 const core::Clock& clock)
    : store_{store},
      files_{files},
      config_{config},
      clock_{clock},
      announcements_{clock, config.media.rc_create},
      thumbnails_{config.media} {}

storage::MediaKey MediaRepository::key(const std::string& origin, const std::string& media_id) const {
    return {is_ours(origin) ? "" : origin, media_id};
}

Task<storage::Media> MediaRepository::store(storage::Media media, Upload upload) {
    auto written = co_await files_.receive(std::move(upload.body));
    media.file_id = media.key.media_id;
    media.type = std::move(upload.content_type);
    media.upload_name = std::move(upload.filename);
    media.user_id = std::move(upload.user_id);
    media.length = static_cast<std::int64_t>(written.length);
    media.sha256 = written.sha256;
    media.is_authenticated = config_.media.require_authentication;
    co_await files_.keep(std::move(written), media_path(media));
    co_return media;
}

Task<std::string> MediaRepository::upload(Upload upload) {
    storage::Media media;
    media.key.media_id = core::random_letters(kMediaIdLetters);
    media = co_await store(std::move(media), std::move(upload));
    co_await store_.add(media);
    co_return media.key.media_id;
}

Task<MediaRepository::Announced> MediaRepository::announce(std::string user_id) {
    announcements_.acquire(user_id);
    const auto now_ms = clock_.now_ms();
    const auto expiry_ms = config_.media.unused_expiry_ms;
    const auto pending = co_await store_.pending(user_id, now_ms - expiry_ms);
    if (pending.count >= static_cast<std::int64_t>(config_.media.pending_uploads_max))
        throw core::MatrixError::limit_exceeded(
            std::max<std::int64_t>(1, pending.oldest_ms + expiry_ms - now_ms));
    auto media_id = core::random_letters(kMediaIdLetters);
    co_await store_.create(media_id, std::move(user_id));
    co_return Announced{std::move(media_id), now_ms + expiry_ms};
}

Task<void> MediaRepository::upload_announced(std::string origin, std::string media_id, Upload upload) {
    if (!is_ours(origin)) throw_not_found();
    auto media = co_await store_.get({"", media_id});
    if (!media) throw_not_found();
    if (media->user_id != upload.user_id)
        throw core::MatrixError::forbidden("Somebody else announced this upload");
    const core::MatrixError overwriting{409, "M_CANNOT_OVERWRITE_MEDIA", "It was uploaded before"};
    if (media->length) throw overwriting;
    if (media->created_ms + config_.media.unused_expiry_ms < clock_.now_ms()) throw_not_found();

    // The file has a name of its own until the row says that it is the one: of two uploads at once one wins.
    auto written = co_await files_.receive(std::move(upload.body));
    media->type = std::move(upload.content_type);
    media->upload_name = std::move(upload.filename);
    media->length = static_cast<std::int64_t>(written.length);
    media->sha256 = written.sha256;
    media->is_authenticated = config_.media.require_authentication;
    const auto turn = co_await making_.lock(media_id);
    const auto now = co_await store_.get({"", media_id});
    if (!now || now->length) {
        co_await files_.discard(std::move(written));
        throw overwriting;
    }
    co_await files_.keep(std::move(written), media_path(*media));
    if (!co_await store_.complete(*media)) throw overwriting;
}

Task<storage::Media> MediaRepository::find(MediaQuery query) {
    if (!is_media_id(query.media_id)) throw_not_found();
    const auto key = this->key(query.origin, query.media_id);
    const auto until_ms = clock_.monotonic_ms() + std::min(query.timeout_ms, kWaitMsMax);
    auto media = co_await store_.get(key);
    while (media && !media->length && clock_.monotonic_ms() < until_ms) {
        co_await core::sleep_for(kAskAgain);
        media = co_await store_.get(key);
    }
    if (!media || media->quarantined_by) throw_not_found();
    if (!media->length) throw core::MatrixError{504, "M_NOT_YET_UPLOADED", "Media has not been uploaded yet"};
    // The freeze of the unauthenticated endpoints: what came after it does not exist there.
    if (media->is_authenticated && config_.media.require_authentication && !query.is_authenticated)
        throw_not_found();
    co_return std::move(*media);
}

Task<FoundMedia> MediaRepository::content(MediaQuery query) {
    auto media = co_await find(std::move(query));
    auto file = co_await files_.open(media_path(media));
    if (!file) {
        core::log_warning("media", "the file {} is missing", media_path(media));
        throw_not_found();
    }
    co_await store_.accessed(media.key);
    auto type = media.type.empty() ? "application/octet-stream" : media.type;
    co_return FoundMedia{std::move(media), std::move(type), std::move(*file)};
}

Task<FoundMedia> MediaRepository::thumbnail(MediaQuery query, ThumbnailRequest request) {
    if (request.width < 1 || request.height < 1 || request.width > kThumbnailSideMax ||
        request.height > kThumbnailSideMax)
        throw core::MatrixError::unknown("A thumbnail's width and height are between 1 and 10000");
    const auto media = co_await find(std::move(query));
    const auto size = choose_thumbnail_size(config_.media, request);
    const bool animated = request.animated && may_be_animated(media);
    auto found = find_thumbnail(co_await store_.thumbnails(media.key), size, animated);
    // One at a time: who waited finds what was made meanwhile.
    std::optional<core::Linearizer::Guard> turn;
    if (!found) {
        turn.emplace(co_await making_.lock(media.key.origin + "/" + media.key.media_id));
        found = find_thumbnail(co_await store_.thumbnails(media.key), size, animated);
    }
    std::optional<MediaFile> file;
    if (found) file = co_await files_.open(thumbnail_path(media, *found));
    // Made for the first time; or its file was lost, which is no loss.
    if (!file) co_return co_await make_thumbnail(media, size, animated);
    co_await store_.accessed(media.key);
    co_return FoundMedia{media, found->type, std::move(*file)};
}

bool MediaRepository::may_be_animated(const storage::Media& media) const {
    return (media.type == "image/gif" || media.type == "image/webp") &&
           !still_.contains(media.key.origin + "/" + media.key.media_id);
}

void MediaRepository::remember_still(const storage::Media& media) {
    if (still_.size() >= kStillMax) still_.clear();
    still_.insert(media.key.origin + "/" + media.key.media_id);
}

Task<FoundMedia> MediaRepository::make_thumbnail(storage::Media media, core::ThumbnailSize size,
                                                 bool animated) {
    const auto source = co_await files_.open(media_path(media));
    if (!source) throw_not_found();
    const auto place = co_await files_.new_place();
    storage::Thumbnail thumbnail;
    thumbnail.type = co_await thumbnails_.make(source->place, place, size, animated);
    if (animated && thumbnail.type != kAnimatedType) remember_still(media);
    thumbnail.width = size.width;
    thumbnail.height = size.height;
    thumbnail.method = size.method;
    auto written = co_await files_.adopt(place);
    thumbnail.length = static_cast<std::int64_t>(written.length);
    const auto path = thumbnail_path(media, thumbnail);
    co_await files_.keep(std::move(written), path);
    co_await store_.add_thumbnail(media, thumbnail);
    auto file = co_await files_.open(path);
    if (!file) throw_not_found();
    co_return FoundMedia{std::move(media), thumbnail.type, std::move(*file)};
}

Task<storage::Media> MediaRepository::add_for_preview(std::string url, std::string content_type,
                                                      std::string content) {
    storage::Media media;
    media.key.media_id = dated_media_id(clock_.now_ms());
    media.url_cache = std::move(url);
    Upload upload;
    upload.content_type = std::move(content_type);
    upload.body = std::make_shared<http::StringBody>(std::move(content));
    media = co_await store(std::move(media), std::move(upload));
    media.user_id = std::nullopt;
    co_await store_.add(media);
    co_return media;
}

Task<std::optional<ImageSize>> MediaRepository::image_size(storage::Media media) {
    const auto file = co_await files_.open(media_path(media));
    if (!file) co_return std::nullopt;
    co_return co_await thumbnails_.size_of(file->place);
}

Task<void> MediaRepository::remove(std::vector<storage::Media> media) {
    std::vector<storage::MediaKey> keys;
    std::vector<std::string> paths;
    for (const auto& one : media) {
        keys.push_back(one.key);
        if (one.length) paths.push_back(media_path(one));
        for (const auto& thumbnail : co_await store_.thumbnails(one.key))
            paths.push_back(thumbnail_path(one, thumbnail));
    }
    // Rows first: a file without a row is waste, a row without its file is an error that people see.
    co_await store_.remove(std::move(keys));
    co_await files_.remove(std::move(paths));
}

Task<void> MediaRepository::remove_unused() {
    const auto count = co_await store_.remove_unused(clock_.now_ms() - config_.media.unused_expiry_ms);
    if (count > 0) core::log_info("media", "{} announced uploads never came", count);
    co_await files_.remove_leftovers();
}

}  // namespace weft::handlers
