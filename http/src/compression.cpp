#include "compression.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <stdexcept>

#include <zlib.h>

#include "ascii.hpp"

namespace weft::http {
namespace {

// Level 2 halves what level 1 leaves of JSON for little more time; the steps above cost more than they save.
constexpr int kLevel = 2;
constexpr int kMemoryLevel = 8;
/// Room for the next compressed bytes of a body that is sent while it is made.
constexpr std::size_t kOutputBytesMin = 16 * 1024;

ZStream open_stream(ContentCoding coding) {
    auto fresh = std::make_unique<z_stream_s>();
    // 16 more window bits ask zlib for the gzip format instead of its own, which is HTTP's "deflate".
    const int window_bits = coding == ContentCoding::kGzip ? MAX_WBITS + 16 : MAX_WBITS;
    if (deflateInit2(fresh.get(), kLevel, Z_DEFLATED, window_bits, kMemoryLevel, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        throw std::bad_alloc{};
    }
    return ZStream{fresh.release()};
}

/// True if the parameters of a coding say q=0, q=0.0, ….
bool is_refused(std::string_view parameters) {
    const auto q = parameters.find("q=");
    if (q == std::string_view::npos) return false;
    const auto weight = parameters.substr(q + 2);
    return weight.starts_with('0') && weight.find_first_of("123456789") == std::string_view::npos;
}

}  // namespace

ContentCoding negotiate_coding(std::string_view accept_encoding) {
    bool gzip = false;
    bool deflate = false;
    while (!accept_encoding.empty()) {
        const auto end = accept_encoding.find(',');
        const auto item = accept_encoding.substr(0, end);
        accept_encoding =
            end == std::string_view::npos ? std::string_view{} : accept_encoding.substr(end + 1);
        const auto semicolon = item.find(';');
        if (semicolon != std::string_view::npos && is_refused(item.substr(semicolon))) continue;
        const auto name = trim(item.substr(0, semicolon));
        gzip = gzip || iequals(name, "gzip") || iequals(name, "x-gzip");
        deflate = deflate || iequals(name, "deflate");
    }
    if (gzip) return ContentCoding::kGzip;
    return deflate ? ContentCoding::kDeflate : ContentCoding::kIdentity;
}

std::string_view to_string(ContentCoding coding) {
    switch (coding) {
        case ContentCoding::kGzip:
            return "gzip";
        case ContentCoding::kDeflate:
            return "deflate";
        case ContentCoding::kIdentity:
            break;
    }
    return {};
}

bool is_compressible(std::string_view content_type) {
    return content_type.starts_with("application/json") || content_type.starts_with("text/") ||
           content_type.starts_with("application/javascript") || content_type.starts_with("image/svg");
}

void ZStreamCloser::operator()(z_stream_s* stream) const {
    deflateEnd(stream);
    delete stream;
}

CompressedBody::CompressedBody(BodyStreamPtr plain, ContentCoding coding)
    : plain_{std::move(plain)}, stream_{open_stream(coding)} {}

Task<std::string> CompressedBody::next() {
    std::string out;
    // zlib keeps some of what it is given: a piece may give nothing yet.
    while (!ended_ && out.empty()) {
        auto piece = co_await plain_->next();
        ended_ = piece.empty();
        stream_->next_in = reinterpret_cast<Bytef*>(piece.data());
        stream_->avail_in = static_cast<uInt>(piece.size());
        do {
            const auto filled = out.size();
            out.resize(filled + std::max(kOutputBytesMin, piece.size() / 4));
            stream_->next_out = reinterpret_cast<Bytef*>(out.data() + filled);
            stream_->avail_out = static_cast<uInt>(out.size() - filled);
            if (deflate(stream_.get(), ended_ ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
                throw std::runtime_error{"a body could not be compressed"};
            out.resize(out.size() - stream_->avail_out);
        } while (stream_->avail_out == 0);
    }
    co_return out;
}

ZStream& Compressor::stream_for(ContentCoding coding) {
    auto& stream = coding == ContentCoding::kGzip ? gzip_ : deflate_;
    if (!stream) stream = open_stream(coding);
    return stream;
}

std::optional<std::string> Compressor::compress(ContentCoding coding, std::string_view body) {
    if (coding == ContentCoding::kIdentity || body.size() > std::numeric_limits<uInt>::max())
        return std::nullopt;
    auto* const stream = stream_for(coding).get();
    if (deflateReset(stream) != Z_OK) return std::nullopt;
    std::string out(body.size(), '\0');
    stream->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream->avail_in = static_cast<uInt>(body.size());
    stream->next_out = reinterpret_cast<Bytef*>(out.data());
    stream->avail_out = static_cast<uInt>(out.size());
    if (deflate(stream, Z_FINISH) != Z_STREAM_END) return std::nullopt;  // it did not fit: not smaller
    out.resize(out.size() - stream->avail_out);
    return out;
}

}  // namespace weft::http
