#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weft/handlers/media/media_repository.hpp"
#include "weft/http/message.hpp"

namespace weft::rest {

/// `inline` for the types that no browser runs ("Serving inline content"), else `attachment`, with the file's
/// name.
std::string content_disposition(std::string_view content_type, const std::optional<std::string>& filename);

/// The part of a body that a Range field asks for.
struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  // included
};
enum class RangeKind { kWhole, kPart, kUnsatisfiable };
/// One range of bytes (RFC 9110, 14.2); what is of another form is ignored, as it says.
RangeKind parse_range(std::string_view field, std::uint64_t length, ByteRange& range);

/// The response to a download or thumbnail: the file itself, with the fields that keep a browser from running
/// it.
http::Response media_response(const http::Request& request, const handlers::FoundMedia& found,
                              const std::optional<std::string>& filename);

}  // namespace weft::rest
