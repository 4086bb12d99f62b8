#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weft/http/body.hpp"

struct z_stream_s;

namespace weft::http {

enum class ContentCoding { kIdentity, kGzip, kDeflate };

/// Bodies below this are sent as they are: a packet is a packet.
constexpr std::size_t kCompressBytesMin = 1024;

/// The coding to use for an Accept-Encoding header (RFC 9110, 12.5.3), gzip preferred. `q=0` refuses.
ContentCoding negotiate_coding(std::string_view accept_encoding);
/// "gzip" or "deflate"; empty for identity.
std::string_view to_string(ContentCoding coding);
/// Text and JSON; pictures and archives are compressed already.
bool is_compressible(std::string_view content_type);

struct ZStreamCloser {
    void operator()(z_stream_s* stream) const;
};
using ZStream = std::unique_ptr<z_stream_s, ZStreamCloser>;

/// Compresses a body while it is sent.
class CompressedBody final : public BodyStream {
public:
    CompressedBody(BodyStreamPtr plain, ContentCoding coding);

    Task<std::string> next() override;
    std::optional<std::uint64_t> length() const override { return std::nullopt; }

private:
    BodyStreamPtr plain_;
    ZStream stream_;
    bool ended_ = false;
};

/// Compresses whole bodies. Keeps zlib's working memory (a quarter of a megabyte a coding) between them.
class Compressor {
public:
    /// The compressed body, or nothing if that would not be smaller.
    std::optional<std::string> compress(ContentCoding coding, std::string_view body);

private:
    ZStream& stream_for(ContentCoding coding);

    ZStream gzip_;
    ZStream deflate_;
};

}  // namespace weft::http
