#pragma once

#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/linearizer.hpp"
#include "weft/handlers/media/media_repository.hpp"
#include "weft/http/web_client.hpp"
#include "weft/storage/media_store.hpp"

namespace weft::handlers {

/// Looks at pages for people who got a link: what they are called, what they are about, a picture. Asks
/// nobody in the networks that the configuration blocks.
class UrlPreviews {
public:
    UrlPreviews(storage::UrlPreviewStore& store, MediaRepository& media, const core::Config& config,
                const core::Clock& clock, asio::any_io_executor executor);

    /// The preview as JSON. Throws M_UNKNOWN for what is no URL (400) or cannot be had (502).
    Task<std::string> preview(std::string url, std::int64_t at_ms);
    /// Forgets old previews and what was fetched for them.
    Task<void> expire();

private:
    struct Page {
        std::string url;  // after redirects
        std::string content_type;
        std::string content;
    };
    Task<std::string> look(std::string url);
    Task<Page> fetch(std::string url);
    Task<void> add_image(boost::json::object& open_graph, Page image);

    storage::UrlPreviewStore& store_;
    MediaRepository& media_;
    const core::Config& config_;
    const core::Clock& clock_;
    http::WebClient web_;
    core::Linearizer looking_{"url_previews"};  // of many who ask for one URL, one goes and looks
    std::size_t fetching_ = 0;
};

}  // namespace weft::handlers
