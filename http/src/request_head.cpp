#include "request_head.hpp"

#include <fmt/format.h>

#include "ascii.hpp"

namespace weft::http {
namespace {

bool has_line_break(std::string_view text) {
    return text.find_first_of(std::string_view{"\r\n\0", 3}) != text.npos;
}

}  // namespace

std::shared_ptr<const std::string> request_head(const ClientRequest& request, const std::string& host) {
    if (request.target.empty() || has_line_break(request.target) ||
        request.target.find(' ') != std::string::npos) {
        throw std::invalid_argument{"not a request target: " + request.target};
    }
    auto head = std::make_shared<std::string>();
    auto out = std::back_inserter(*head);
    fmt::format_to(out, "{} {} HTTP/1.1\r\n", to_string(request.method), request.target);
    if (!request.headers.get("Host")) fmt::format_to(out, "Host: {}\r\n", host);
    const bool body_expected = request.method == Method::kPost || request.method == Method::kPut;
    const auto length = request.body_stream ? request.body_stream->length() : request.body.size();
    if (!length) throw std::invalid_argument{"a request's body needs a known length"};
    if (*length > 0 || body_expected) fmt::format_to(out, "Content-Length: {}\r\n", *length);
    for (const auto& [name, value] : request.headers.all()) {
        if (has_line_break(name) || has_line_break(value))
            throw std::invalid_argument{"line break in field " + name};
        if (iequals(name, "Content-Length") || iequals(name, "Transfer-Encoding")) continue;
        fmt::format_to(out, "{}: {}\r\n", name, value);
    }
    *head += "\r\n";
    return head;
}

}  // namespace weft::http
