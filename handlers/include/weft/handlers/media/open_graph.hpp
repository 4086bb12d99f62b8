#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace weft::handlers {

/// What a page says about itself.
struct PageSummary {
    boost::json::object open_graph;  // the og:* properties that previews show; og:title and og:description at
                                     // least where there is anything to say
    std::optional<std::string> image;  // as the page has it: often relative
};

/// Reads a page (HTML5, however broken): its Open Graph properties, or what comes nearest to them.
PageSummary summarize_page(std::string_view html_utf8);

/// A page's text in UTF-8: by the charset of its content type, of its own <meta>, or as what browsers guess.
std::string page_to_utf8(std::string_view bytes, std::string_view content_type);

}  // namespace weft::handlers
