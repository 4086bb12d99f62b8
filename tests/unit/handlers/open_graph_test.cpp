#include <catch2/catch.hpp>

#include "weft/handlers/media/open_graph.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

std::string property(const PageSummary& page, std::string_view name) {
    return std::string{proto::get_string(page.open_graph, name).value_or("")};
}

}  // namespace

TEST_CASE("a page's own Open Graph properties are its preview") {
    const auto page = summarize_page(R"(<html><head><title>Not this</title>
        <meta property="og:title" content="  A   title &amp; more "><meta property="og:description" content="About">
        <meta property="og:image" content="/cat.png"><meta property="og:site_name" content="Site">
        <meta property="og:title" content="second"></head><body><h1>Nor this</h1></body></html>)");

    CHECK(property(page, "og:title") == "A title & more");
    CHECK(property(page, "og:description") == "About");
    CHECK(property(page, "og:site_name") == "Site");
    CHECK(page.image == "/cat.png");
    CHECK_FALSE(page.open_graph.contains("og:image"));
}

TEST_CASE("a page without properties is summed up from its title, text and first picture") {
    const auto page = summarize_page(
        "<title> The\n title</title><script>var x = 'hidden';</script><style>p{}</style>"
        "<body><nav>Menu</nav><p>Some <b>text</b> here.</p><img src=a.gif><img src=b.gif>");

    CHECK(property(page, "og:title") == "The title");
    CHECK(property(page, "og:description") == "Some text here.");
    CHECK(page.image == "a.gif");
    CHECK(property(summarize_page("<h1>Only a heading</h1>"), "og:title") == "Only a heading");
    CHECK(property(summarize_page("<meta name=description content=named><p>text"), "og:description") ==
          "named");
}

TEST_CASE("broken, empty, huge and deeply nested pages are no danger") {
    CHECK(summarize_page("").open_graph.empty());
    CHECK(property(summarize_page("<title>unclosed"), "og:title") == "unclosed");
    std::string deep;
    for (int i = 0; i < 500'000; ++i) deep += "<div>";
    CHECK(summarize_page(deep + "text").open_graph.empty());
    const auto long_text = summarize_page("<p>" + std::string(1'000'000, 'x'));
    CHECK(property(long_text, "og:description").size() < 600);
    std::string umlauts;
    for (int i = 0; i < 1'000; ++i) umlauts += "ä";
    CHECK(proto::is_valid_utf8(property(summarize_page("<p>" + umlauts), "og:description")));
}

TEST_CASE("a page's text becomes UTF-8 by its content type, its own word, or as browsers guess") {
    CHECK(page_to_utf8("gr\xc3\xbc\xc3\x9f", "text/html") == "grüß");
    CHECK(page_to_utf8("gr\xfc\xdf", "text/html; charset=ISO-8859-1") == "grüß");
    CHECK(page_to_utf8("gr\xfc\xdf", "text/html") == "grüß");
    CHECK(page_to_utf8("<meta charset=\"koi8-r\">\xcd\xc9\xd2", "text/html") ==
          "<meta charset=\"koi8-r\">мир");
    CHECK(page_to_utf8("\x82\xa0", "text/html; charset=Shift_JIS") == "あ");
    CHECK(page_to_utf8("plain \x93quoted\x94", "text/html; charset=no-such-thing") == "plain “quoted”");
    CHECK(proto::is_valid_utf8(page_to_utf8("broken \xff\xfe here", "text/html; charset=utf-8")));
}

}  // namespace weft::handlers
