#include "client/email_pages.hpp"

#include <fmt/format.h>

namespace weft::rest {
namespace {

/// Text that means nothing to HTML, inside of attributes, too.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

http::Response page(int status, std::string_view title, std::string_view content) {
    http::Response response;
    response.status = status;
    response.content_type = "text/html; charset=utf-8";
    response.headers.set("Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'");
    response.headers.set("Referrer-Policy", "no-referrer");
    response.body = fmt::format(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>"
        "<style>body{{font-family:sans-serif;max-width:30em;margin:4em auto}}</style></head>"
        "<body><h1>{0}</h1>{1}</body></html>",
        escaped(title), content);
    return response;
}

std::string hidden(std::string_view name, std::string_view value) {
    return fmt::format("<input type=\"hidden\" name=\"{}\" value=\"{}\">", name, escaped(value));
}

}  // namespace

http::Response confirmation_page(const EmailLink& link) {
    return page(
        200, "Confirm your e-mail address",
        fmt::format("<p>If it was you who asked for the e-mail that led you here, press the button.</p>"
                    "<form method=\"post\">{}{}{}<button>Confirm</button></form>",
                    hidden("sid", link.session_id), hidden("client_secret", link.client_secret),
                    hidden("token", link.token)));
}

http::Response success_page() {
    return page(200, "Confirmed", "<p>You can close this page and go on in your Matrix client.</p>");
}

http::Response failure_page(int status, std::string_view why) {
    return page(status, "That did not work", fmt::format("<p>{}</p>", escaped(why)));
}

http::Response redirection(const std::string& url) {
    auto response = page(302, "Confirmed", "<p>You can go on in your Matrix client.</p>");
    response.headers.set("Location", url);
    return response;
}

}  // namespace weft::rest
