#include "weft/handlers/media/url_previews.hpp"

#include <boost/url.hpp>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/handlers/media/open_graph.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

constexpr std::int64_t kKeepMs = 3'600'000;
/// Pictures of previews outlive these, because clients keep the answers.
constexpr std::int64_t kKeepMediaMs = 2 * 86'400'000;
constexpr std::int64_t kTimeoutMs = 20'000;
constexpr int kRedirectsMax = 5;
/// Each may hold max_spider_size in memory.
constexpr std::size_t kFetchesMax = 8;
constexpr std::size_t kUrlBytesMax = 4'096;
constexpr std::string_view kUserAgent = "Weft (bot; +https://matrix.org)";

bool is_html(std::string_view type) {
    return type.starts_with("text/html") || type.starts_with("application/xhtml");
}

std::string absolute(const std::string& base, const std::string& reference) {
    const auto from = boost::urls::parse_uri(base);
    const auto to = boost::urls::parse_uri_reference(reference);
    boost::urls::url out;
    if (!from || !to || !boost::urls::resolve(*from, *to, out)) return {};
    return std::string{std::string_view{out.buffer()}};
}

/// Counts while it lives.
class Place {
public:
    explicit Place(std::size_t& count) : count_{count} { ++count_; }
    ~Place() { --count_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

private:
    std::size_t& count_;
};

std::string accepted_languages(const std::vector<std::string>& languages) {
    return fmt::format("{}", fmt::join(languages, ", "));
}

}  // namespace

UrlPreviews::UrlPreviews(storage::UrlPreviewStore& store, MediaRepository& media, const core::Config& config,
                         const core::Clock& clock, asio::any_io_executor executor)
    : store_{store},
      media_{media},
      config_{config},
      clock_{clock},
      web_{std::move(executor), http::AddressFilter{config.media.preview_blocked_networks,
                                                    config.media.preview_allowed_networks}} {}

Task<std::string> UrlPreviews::preview(std::string url, std::int64_t at_ms) {
    const auto parsed = boost::urls::parse_uri(url);
    const bool is_web = url.starts_with("http://") || url.starts_with("https://");
    if (!is_web || url.size() > kUrlBytesMax || (parsed && parsed->has_userinfo()))
        throw core::MatrixError::unknown("Only http and https URLs without a password have previews");
    const auto turn = co_await looking_.lock(url);
    const auto known = co_await store_.get(url, at_ms);
    if (known && known->response_code / 100 == 2 && known->expires_ms > clock_.now_ms())
        co_return known->open_graph;

    storage::UrlPreview found;
    found.open_graph = co_await look(url);
    found.downloaded_ms = clock_.now_ms();
    found.expires_ms = found.downloaded_ms + kKeepMs;
    co_await store_.put(url, found);
    co_return found.open_graph;
}

Task<std::string> UrlPreviews::look(std::string url) {
    if (fetching_ >= kFetchesMax) throw core::MatrixError::limit_exceeded(1'000);
    const Place place{fetching_};
    auto page = co_await fetch(url);
    boost::json::object open_graph;
    if (page.content_type.starts_with("image/")) {
        co_await add_image(open_graph, std::move(page));
    } else if (is_html(page.content_type)) {
        auto summary = summarize_page(page_to_utf8(page.content, page.content_type));
        open_graph = std::move(summary.open_graph);
        const auto image = summary.image ? absolute(page.url, *summary.image) : "";
        page.content = {};
        bool failed = false;
        Page picture;
        try {
            if (!image.empty()) picture = co_await fetch(image);
        } catch (const core::MatrixError&) {
            failed = true;  // a preview without its picture is still one
        }
        if (!failed && picture.content_type.starts_with("image/"))
            co_await add_image(open_graph, std::move(picture));
    }
    co_return proto::to_json(open_graph);
}

Task<UrlPreviews::Page> UrlPreviews::fetch(std::string url) {
    http::WebRequest request;
    request.url = url;
    request.redirects_max = kRedirectsMax;
    request.timeout_ms = kTimeoutMs;
    request.response_bytes_max = config_.media.preview_bytes_max;
    request.headers.set("User-Agent", std::string{kUserAgent});
    request.headers.set("Accept-Language", accepted_languages(config_.media.preview_languages));
    std::string why;
    std::optional<http::WebResponse> response;
    try {
        response = co_await web_.send(std::move(request));
    } catch (const http::ClientError& error) {
        why = error.what();
    }
    if (response && response->status / 100 != 2) why = fmt::format("status {}", response->status);
    if (!why.empty()) {
        core::log_info("media", "no preview of {}: {}", url, why);
        throw core::MatrixError{502, "M_UNKNOWN", "The URL cannot be fetched"};
    }
    co_return Page{std::move(response->url), std::move(response->content_type), std::move(response->body)};
}

Task<void> UrlPreviews::add_image(boost::json::object& open_graph, Page image) {
    const auto size = image.content.size();
    auto type = image.content_type.substr(0, image.content_type.find(';'));
    const auto media = co_await media_.add_for_preview(std::move(image.url), type, std::move(image.content));
    open_graph["og:image"] = media_.uri(media.key.media_id);
    open_graph["og:image:type"] = std::move(type);
    open_graph["matrix:image:size"] = size;
    if (const auto pixels = co_await media_.image_size(media)) {
        open_graph["og:image:width"] = pixels->width;
        open_graph["og:image:height"] = pixels->height;
    }
}

Task<void> UrlPreviews::expire() {
    const auto now_ms = clock_.now_ms();
    auto old = co_await store_.expire(now_ms, now_ms - kKeepMediaMs);
    co_await media_.remove(std::move(old));
}

}  // namespace weft::handlers
