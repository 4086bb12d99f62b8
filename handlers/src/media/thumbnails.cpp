#include "weft/handlers/media/thumbnails.hpp"

#include <algorithm>
#include <cstdio>

#include "media/thumbnailer_process.hpp"
#include "weft/core/errors.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kProgramsMax = 2;
constexpr std::string_view kAnimatedType = "image/webp";

/// The better of two sizes: one that is not smaller than the request, and then the smaller one; else the
/// greater.
bool is_better(const core::ThumbnailSize& a, const core::ThumbnailSize& b, const ThumbnailRequest& request) {
    const auto serves = [&](const auto& size) {
        return size.width >= request.width && size.height >= request.height;
    };
    if (serves(a) != serves(b)) return serves(a);
    const auto area = [](const auto& size) { return static_cast<std::int64_t>(size.width) * size.height; };
    return serves(a) ? area(a) < area(b) : area(a) > area(b);
}

}  // namespace

core::ThumbnailSize choose_thumbnail_size(const core::MediaConfig& config, const ThumbnailRequest& request) {
    if (config.dynamic_thumbnails) return {request.width, request.height, request.method};
    const core::ThumbnailSize* best = nullptr;
    const auto consider = [&](auto&& is_candidate) {
        for (const auto& size : config.thumbnail_sizes) {
            if (is_candidate(size) && (!best || is_better(size, *best, request))) best = &size;
        }
    };
    const auto serves = [&](const auto& size) {
        return size.width >= request.width && size.height >= request.height;
    };
    consider([&](const auto& size) { return size.method == request.method && serves(size); });
    // A scaled image can be cropped by the client; a cropped one cannot be made whole.
    if (!best) consider([&](const auto& size) { return size.method == "scale"; });
    if (!best) consider([&](const auto&) { return true; });
    return *best;
}

std::optional<storage::Thumbnail> find_thumbnail(const std::vector<storage::Thumbnail>& known,
                                                 const core::ThumbnailSize& size, bool animated) {
    const auto fits = [&](const storage::Thumbnail& thumbnail) {
        if (thumbnail.method != size.method || (thumbnail.type == kAnimatedType) != animated) return false;
        if (thumbnail.width == size.width && thumbnail.height == size.height) return true;
        const bool touches = (thumbnail.width == size.width && thumbnail.height <= size.height) ||
                             (thumbnail.height == size.height && thumbnail.width <= size.width);
        return size.method == "scale" && touches;
    };
    const auto found = std::ranges::find_if(known, fits);
    return found == known.end() ? std::nullopt : std::optional{*found};
}

core::CpuPool& ThumbnailMaker::threads() {
    if (!threads_) threads_ = std::make_unique<core::CpuPool>(kProgramsMax);
    return *threads_;
}

Task<std::optional<ImageSize>> ThumbnailMaker::size_of(std::filesystem::path source) {
    const std::vector<std::string> arguments{source.string()};
    const auto outcome = co_await threads().run([arguments] { return run_thumbnailer(arguments); });
    ImageSize size;
    if (std::sscanf(outcome.line.c_str(), "%d %d", &size.width, &size.height) != 2) co_return std::nullopt;
    co_return size;
}

Task<std::string> ThumbnailMaker::make(std::filesystem::path source, std::filesystem::path target,
                                       core::ThumbnailSize size, bool animated) {
    const std::vector<std::string> arguments{source.string(),
                                             target.string(),
                                             std::to_string(size.width),
                                             std::to_string(size.height),
                                             size.method,
                                             animated ? "animated" : "still",
                                             std::to_string(config_.image_pixels_max)};
    const auto outcome = co_await threads().run([arguments] { return run_thumbnailer(arguments); });
    switch (outcome.code) {
        case ThumbnailerOutcome::Code::kMade:
            co_return outcome.line;
        case ThumbnailerOutcome::Code::kTooLarge:
            throw core::MatrixError::too_large("The image is too large for a thumbnail");
        case ThumbnailerOutcome::Code::kFailed:
            break;
    }
    throw core::MatrixError::unknown("Cannot generate thumbnails for the requested content");
}

}  // namespace weft::handlers
