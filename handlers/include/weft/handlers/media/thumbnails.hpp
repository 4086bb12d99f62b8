#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/async.hpp"
#include "weft/core/config.hpp"
#include "weft/storage/media_store.hpp"

namespace weft::handlers {

/// What a client asks for.
struct ThumbnailRequest {
    int width = 0;
    int height = 0;
    std::string method = "scale";  // or crop
    bool animated = false;
};

/// The size that is made for a request: the smallest configured one that is not smaller, of the method that
/// was asked for if there is one, else the greatest. The request itself if sizes are dynamic.
core::ThumbnailSize choose_thumbnail_size(const core::MediaConfig& config, const ThumbnailRequest& request);

/// The one of `known` that serves `size`; Synapse names a scaled one by what it became, we by the box it fits
/// in.
std::optional<storage::Thumbnail> find_thumbnail(const std::vector<storage::Thumbnail>& known,
                                                 const core::ThumbnailSize& size, bool animated);

struct ImageSize {
    int width = 0;
    int height = 0;
};

/// Makes thumbnails with `weft-thumbnailer`, a program of its own beside this one: what somebody uploads is
/// decoded in a process that may use so much memory and time and no more, and whose fall is nobody else's.
class ThumbnailMaker {
public:
    explicit ThumbnailMaker(const core::MediaConfig& config) : config_{config} {}

    /// Writes a thumbnail of `source` to `target`; its type. Throws M_UNKNOWN if it is no image that can be
    /// read, M_TOO_LARGE if it has too many pixels.
    Task<std::string> make(std::filesystem::path source, std::filesystem::path target,
                           core::ThumbnailSize size, bool animated);

    /// How large an image is, in pixels; nothing if it is none that can be read.
    Task<std::optional<ImageSize>> size_of(std::filesystem::path source);

private:
    core::CpuPool& threads();

    const core::MediaConfig& config_;
    std::unique_ptr<core::CpuPool> threads_;  // each waits for one program
};

}  // namespace weft::handlers
