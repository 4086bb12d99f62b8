#pragma once

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <zlib.h>

#include "homeserver_fixture.hpp"
#include "weft/core/random.hpp"
#include "weft/http/uri.hpp"

namespace weft::test {

/// A PNG of one colour.
inline std::string png_image(std::uint32_t width, std::uint32_t height) {
    const auto number = [](std::uint32_t value) {
        std::string out;
        for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(value >> shift & 0xff);
        return out;
    };
    const auto chunk = [&](const std::string& type, const std::string& data) {
        const auto body = type + data;
        const auto sum =
            crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
        return number(static_cast<std::uint32_t>(data.size())) + body +
               number(static_cast<std::uint32_t>(sum));
    };
    std::string row(1, '\0');
    for (std::uint32_t x = 0; x < width; ++x) row += "\x20\x80\xf0";
    std::string pixels;
    for (std::uint32_t y = 0; y < height; ++y) pixels += row;
    auto size = compressBound(pixels.size());
    std::string packed(size, '\0');
    compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(pixels.data()),
             pixels.size());
    packed.resize(size);
    return "\x89PNG\r\n\x1a\n" +
           chunk("IHDR", number(width) + number(height) + std::string("\x08\x02\0\0\0", 5)) +
           chunk("IDAT", packed) + chunk("IEND", "");
}

/// Width and height of a PNG or JPEG, as "WxH".
inline std::string image_size(const std::string& bytes) {
    const auto at = [&](std::size_t i) {
        return static_cast<unsigned>(static_cast<unsigned char>(bytes.at(i)));
    };
    if (bytes.starts_with("\x89PNG")) return fmt::format("{}x{}", at(18) << 8 | at(19), at(22) << 8 | at(23));
    for (std::size_t i = 2; i + 9 < bytes.size(); i += 2 + (at(i + 2) << 8 | at(i + 3))) {
        if (at(i + 1) >= 0xc0 && at(i + 1) <= 0xc2)
            return fmt::format("{}x{}", at(i + 7) << 8 | at(i + 8), at(i + 5) << 8 | at(i + 6));
    }
    return "?";
}

/// A homeserver with a media store of its own.
struct MediaFixture : HomeserverFixture {
    explicit MediaFixture(core::Config config = HomeserverFixture::roomy_config())
        : HomeserverFixture{in_directory(std::move(config))}, root{this->config.media.store_path} {}
    ~MediaFixture() {
        workers.clear();
        master.reset();
        std::filesystem::remove_all(root);
    }

    struct Got {
        int status = 0;
        std::string body;
        std::string type;
        http::Headers headers;
        std::string field(std::string_view name) const { return std::string{headers.get(name).value_or("")}; }
        boost::json::object json() const { return proto::parse_json_object(body).value(); }
        std::string errcode() const { return text("errcode"); }
        std::string text(std::string_view key) const {
            const auto object = json();
            return std::string{proto::get_string(object, key).value_or("")};
        }
    };
    Task<Got> exchange(TestProcess& process, http::Method method, std::string token, std::string target,
                       std::string body = {}, std::string type = {}, std::string range = {}) {
        http::Request request;
        request.method = method;
        request.target = target;
        const auto split = http::split_target(target);
        request.path = std::string{split.path};
        request.query = http::parse_query(split.query).value();
        request.body = std::move(body);
        if (!type.empty()) request.headers.set("Content-Type", type);
        if (!range.empty()) request.headers.set("Range", range);
        if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
        auto response = co_await process.router.handle(std::move(request));
        Got out{response.status, std::move(response.body), response.content_type, response.headers};
        if (response.body_stream) out.body = co_await http::read_all(response.body_stream, 100'000'000);
        co_return out;
    }
    Got ask(TestProcess& process, http::Method method, const std::string& token, const std::string& target,
            const std::string& body = {}, const std::string& type = {}, const std::string& range = {}) {
        return run(exchange(process, method, token, target, body, type, range));
    }
    Got fetch(const std::string& token, const std::string& target, const std::string& range = {}) {
        return ask(*master, http::Method::kGet, token, target, {}, {}, range);
    }
    Got send(const std::string& token, const std::string& target, const std::string& body = {},
             const std::string& type = {}) {
        return ask(*master, http::Method::kPost, token, target, body, type);
    }

    /// Uploads; the media ID.
    std::string upload(const std::string& token, const std::string& body,
                       const std::string& type = "image/png", const std::string& query = {}) {
        const auto answer = send(token, "/_matrix/media/v3/upload" + query, body, type);
        REQUIRE(answer.status == 200);
        return id_of(answer.text("content_uri"));
    }
    static std::string id_of(const std::string& uri) { return uri.substr(uri.rfind('/') + 1); }
    static std::string download_path(const std::string& id) {
        return "/_matrix/client/v1/media/download/test/" + id;
    }
    static std::string old_download_path(const std::string& id) {
        return "/_matrix/media/v3/download/test/" + id;
    }
    static std::string thumbnail_of(const std::string& id, const std::string& query) {
        return "/_matrix/client/v1/media/thumbnail/test/" + id + "?" + query;
    }
    void write_file(const std::string& path, const std::string& content) const {
        std::filesystem::create_directories((root / path).parent_path());
        std::ofstream{root / path, std::ios::binary} << content;
    }

    std::filesystem::path root;

private:
    static core::Config in_directory(core::Config config) {
        config.media.store_path =
            std::filesystem::temp_directory_path() / ("weft-media-" + core::random_letters(12));
        return config;
    }
};

}  // namespace weft::test
