#include "weft/handlers/media/open_graph.hpp"

#include <memory>
#include <vector>

#include <gumbo.h>

#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

/// What a client shows; the rest of a page's properties are not worth the bytes.
constexpr std::string_view kProperties[] = {
    "og:title",       "og:description",  "og:site_name",  "og:url",   "og:type",  "og:image",
    "og:image:width", "og:image:height", "og:image:type", "og:video", "og:audio", "og:locale"};
constexpr std::size_t kTextBytesMax = 500;
constexpr std::size_t kValueBytesMax = 2'000;
/// Pages that nest deeper are meant to break parsers.
constexpr int kDepthMax = 300;

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

/// Runs of blanks become one, none at the ends.
std::string tidy(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (!is_space(c)) {
            out += c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    if (out.ends_with(' ')) out.pop_back();
    return out;
}

/// At most `bytes_max`, cut between letters.
std::string shorten(std::string text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    text.resize(bytes_max);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
    if (!text.empty()) text.pop_back();
    return text + "…";
}

std::string_view attribute(const GumboNode& node, const char* name) {
    const auto* found = gumbo_get_attribute(&node.v.element.attributes, name);
    return found ? std::string_view{found->value} : std::string_view{};
}

/// Collects in one walk over the page.
class Summary {
public:
    void walk(const GumboNode& node, int depth) {
        if (depth > kDepthMax) return;
        if (node.type == GUMBO_NODE_TEXT) {
            if (in_body_ && text_.size() < 4 * kTextBytesMax) text_ += std::string{node.v.text.text} + " ";
            return;
        }
        if (node.type != GUMBO_NODE_ELEMENT) return;
        const auto tag = node.v.element.tag;
        if (tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE || tag == GUMBO_TAG_NOSCRIPT ||
            tag == GUMBO_TAG_NAV || tag == GUMBO_TAG_TEMPLATE)
            return;
        if (tag == GUMBO_TAG_META) take_meta(node);
        if (tag == GUMBO_TAG_LINK && attribute(node, "rel") == "image_src")
            keep(image_, attribute(node, "href"));
        if (tag == GUMBO_TAG_IMG) keep(first_image_, attribute(node, "src"));
        if (tag == GUMBO_TAG_TITLE) keep(title_, text_of(node));
        if (tag == GUMBO_TAG_H1 || tag == GUMBO_TAG_H2 || tag == GUMBO_TAG_H3) keep(heading_, text_of(node));
        if (tag == GUMBO_TAG_BODY) in_body_ = true;
        const auto& children = node.v.element.children;
        for (unsigned i = 0; i < children.length; ++i)
            walk(*static_cast<const GumboNode*>(children.data[i]), depth + 1);
    }

    PageSummary finish() {
        PageSummary out;
        out.open_graph = std::move(properties_);
        fall_back(out.open_graph, "og:title", title_.empty() ? heading_ : title_);
        fall_back(out.open_graph, "og:description",
                  description_.empty() ? shorten(tidy(text_), kTextBytesMax) : description_);
        if (const auto named = proto::get_string(out.open_graph, "og:image")) {
            out.image = std::string{*named};
        } else if (!image_.empty() || !first_image_.empty()) {
            out.image = image_.empty() ? first_image_ : image_;
        }
        out.open_graph.erase("og:image");
        return out;
    }

private:
    void take_meta(const GumboNode& node) {
        const auto content = shorten(tidy(attribute(node, "content")), kValueBytesMax);
        if (content.empty()) return;
        auto name = attribute(node, "property");
        if (name.empty()) name = attribute(node, "name");
        if (name == "description" || name == "twitter:description") keep(description_, content);
        if (name == "twitter:title") keep(title_, content);
        if (name == "twitter:image") keep(image_, content);
        for (const auto known : kProperties) {
            if (name == known && !properties_.contains(known)) properties_[known] = content;
        }
    }

    static std::string text_of(const GumboNode& node) {
        std::string out;
        const auto& children = node.v.element.children;
        for (unsigned i = 0; i < children.length; ++i) {
            const auto* child = static_cast<const GumboNode*>(children.data[i]);
            if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_WHITESPACE)
                out += child->v.text.text;
        }
        return out;
    }

    static void keep(std::string& place, std::string_view value) {
        if (place.empty()) place = shorten(tidy(value), kValueBytesMax);
    }

    static void fall_back(boost::json::object& properties, std::string_view name, const std::string& value) {
        if (!value.empty() && !properties.contains(name)) properties[name] = value;
    }

    boost::json::object properties_;
    std::string title_;
    std::string heading_;
    std::string description_;
    std::string image_;
    std::string first_image_;
    std::string text_;
    bool in_body_ = false;
};

/// The parser takes its tree down by recursion, and says nothing of how deep it may be: so many elements at
/// most keep it within a stack. What a page says of itself stands at its beginning anyway.
constexpr std::size_t kElementsMax = 10'000;
constexpr std::size_t kPageBytesMax = 512 * 1024;

std::string_view beginning_of(std::string_view html) {
    html = html.substr(0, kPageBytesMax);
    std::size_t elements = 0;
    for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
        if (++elements > kElementsMax) return html.substr(0, at);
    }
    return html;
}

struct Destroy {
    void operator()(GumboOutput* output) const { gumbo_destroy_output(&kGumboDefaultOptions, output); }
};

}  // namespace

PageSummary summarize_page(std::string_view html_utf8) {
    const auto html = beginning_of(html_utf8);
    const std::unique_ptr<GumboOutput, Destroy> page{
        gumbo_parse_with_options(&kGumboDefaultOptions, html.data(), html.size())};
    if (!page) return {};
    Summary summary;
    summary.walk(*page->root, 0);
    return summary.finish();
}

}  // namespace weft::handlers
