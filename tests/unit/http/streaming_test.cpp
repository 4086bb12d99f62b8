#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "http_fixture.hpp"
#include "weft/core/log_context.hpp"
#include "weft/http/client.hpp"

namespace weft::http {
namespace {

/// Gives `count` pieces of `bytes` each; remembers how far it was read.
class Pieces final : public BodyStream {
public:
    Pieces(std::size_t count, std::size_t bytes, bool says_length)
        : left_{count}, bytes_{bytes}, length_{says_length ? std::optional{count * bytes} : std::nullopt} {}
    Task<std::string> next() override {
        if (left_ == 0) co_return std::string{};
        --left_;
        co_return std::string(bytes_, static_cast<char>('a' + left_ % 26));
    }
    std::optional<std::uint64_t> length() const override { return length_; }
    std::size_t left() const { return left_; }

private:
    std::size_t left_;
    std::size_t bytes_;
    std::optional<std::uint64_t> length_;
};

/// A text in slices, without saying how long it is.
class Slices final : public BodyStream {
public:
    Slices(std::string text, std::size_t bytes) : text_{std::move(text)}, bytes_{bytes} {}
    Task<std::string> next() override {
        auto slice = text_.substr(0, bytes_);
        text_.erase(0, slice.size());
        co_return slice;
    }
    std::optional<std::uint64_t> length() const override { return std::nullopt; }

private:
    std::string text_;
    std::size_t bytes_;
};

/// Says in three pieces whose work they are.
class Whose final : public BodyStream {
public:
    Task<std::string> next() override {
        if (left_ == 0) co_return std::string{};
        --left_;
        co_return core::current_context()->name() + "\n";
    }
    std::optional<std::uint64_t> length() const override { return std::nullopt; }

private:
    int left_ = 3;
};

constexpr std::size_t kBodyMax = 8 * 1024 * 1024;

/// /count says how long a body was and in how many pieces it came; /refuse answers without reading it;
/// /pieces and /chunks send bodies of 4 MiB.
struct StreamingFixture : ServerFixture {
    explicit StreamingFixture(ServerLimits limits = {}) : ServerFixture{limits} {
        auto counting = open_endpoint(Method::kPost, "/count");
        counting.body_bytes_max = kBodyMax;
        counting.streams_body = true;
        router.add(counting, std::bind_front(&StreamingFixture::count, this));
        auto refusing = counting;
        refusing.paths = {"/refuse"};
        router.add(refusing,
                   answers([](const Request&) -> Response { throw core::MatrixError::forbidden("no"); }));
        for (const bool says_length : {true, false}) {
            router.add(open_endpoint(Method::kGet, says_length ? "/pieces" : "/chunks"),
                       answers([=](const Request&) {
                           Response response;
                           response.content_type = "application/octet-stream";
                           response.body_stream = std::make_shared<Pieces>(64, 64 * 1024, says_length);
                           return response;
                       }));
        }
        router.add(open_endpoint(Method::kGet, "/short"), answers([](const Request&) {
                       Response response;
                       response.body_stream = std::make_shared<Truncated>();
                       return response;
                   }));
    }

    Response ask(ClientRequest request) {
        Client client{io.get_executor()};
        return run(io, client.send({"127.0.0.1", server->port(), ""}, std::move(request)));
    }

    std::size_t pieces = 0;
    std::size_t greatest = 0;

private:
    struct Truncated final : BodyStream {
        Task<std::string> next() override { co_return std::exchange(text, {}); }
        std::optional<std::uint64_t> length() const override { return 100; }
        std::string text = "not a hundred bytes";
    };

    Task<Response> count(Request request) {
        const auto body = request.take_body();
        std::size_t bytes = 0;
        for (;;) {
            const auto piece = co_await body->next();
            if (piece.empty()) break;
            bytes += piece.size();
            greatest = std::max(greatest, piece.size());
            ++pieces;
        }
        co_return Response{200, std::to_string(bytes)};
    }
};

ClientRequest upload(std::string path, std::size_t bytes) {
    ClientRequest request;
    request.method = Method::kPost;
    request.target = std::move(path);
    request.body_stream = std::make_shared<Pieces>(bytes / 65536, 65536, true);
    return request;
}

}  // namespace

TEST_CASE("a handler reads a body of known length while it arrives, in small pieces", "[http]") {
    StreamingFixture fixture;

    const auto answer = fixture.ask(upload("/count", 4 * 1024 * 1024));

    CHECK(answer.status == 200);
    CHECK(answer.body == std::to_string(4 * 1024 * 1024));
    CHECK(fixture.pieces >= 16);
    CHECK(fixture.greatest <= 256 * 1024);
}

TEST_CASE("a handler reads a chunked body while it arrives, and the connection is kept", "[http]") {
    StreamingFixture fixture;
    auto client = fixture.connect();
    const std::string head = "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

    const auto first = run(fixture.io, client.exchange(head + "5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n"));
    const auto second = run(fixture.io, client.exchange(post("/count", "1234")));
    const auto empty = run(fixture.io, client.exchange(post("/count", "")));

    CHECK(first.body == "8");
    CHECK(second.body == "4");
    CHECK(empty.body == "0");
}

TEST_CASE("a streamed body over its endpoint's limit is refused, announced or not", "[http]") {
    StreamingFixture fixture;
    auto announced = fixture.connect();
    auto chunked = fixture.connect();
    std::string chunk = "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    chunk += "900000\r\n" + std::string(0x900000, 'x') + "\r\n0\r\n\r\n";

    CHECK(run(fixture.io,
              announced.exchange("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"))
              .status == 413);
    CHECK(run(fixture.io, chunked.exchange(chunk)).status == 413);
    CHECK(fixture.pieces < 0x900000 / 1024);
}

TEST_CASE("a handler that does not want the body answers before it has come, and the connection ends",
          "[http]") {
    StreamingFixture fixture;
    auto client = fixture.connect();

    const auto answer =
        run(fixture.io, client.exchange("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
                                        "Expect: 100-continue\r\n\r\n"));

    CHECK(answer.status == 403);
    CHECK(answer.field("Connection") == "close");
    CHECK(run(fixture.io, client.at_end()));
}

TEST_CASE("100 Continue is sent when the handler asks for the body", "[http]") {
    StreamingFixture fixture;
    auto client = fixture.connect();
    run(fixture.io,
        client.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));

    CHECK(run(fixture.io, client.receive(true)).status == 100);
    CHECK(run(fixture.io, client.exchange("abc")).body == "3");
}

TEST_CASE("a streamed body that breaks off or stalls ends its handler", "[http]") {
    ServerLimits limits;
    limits.body_timeout_ms = 100;
    StreamingFixture fixture{limits};
    auto stalled = fixture.connect();

    CHECK(
        run(fixture.io, stalled.exchange("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"))
            .status == 408);
    {
        auto gone = fixture.connect();
        run(fixture.io, gone.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"));
        CHECK(run_until(fixture.io, [&] { return fixture.server->requests_in_flight() == 1; }));
        gone.close();
    }
    CHECK(run_until(fixture.io, [&] { return fixture.server->requests_in_flight() == 0; }));
}

TEST_CASE("a response is sent while it is read: with its length, or in chunks", "[http]") {
    StreamingFixture fixture;
    ClientRequest request;
    std::size_t bytes = 0;
    std::size_t greatest = 0;
    request.sink = [&](std::string piece) -> Task<void> {
        bytes += piece.size();
        greatest = std::max(greatest, piece.size());
        co_return;
    };
    for (const auto* path : {"/pieces", "/chunks"}) {
        bytes = 0;
        request.target = path;
        const auto answer = fixture.ask(request);
        CHECK(answer.status == 200);
        CHECK(answer.body.empty());
        CHECK(bytes == 4 * 1024 * 1024);
        CHECK(greatest <= 64 * 1024);
    }
}

TEST_CASE("a body that is made while it is sent is compressed if the client understands that", "[http]") {
    StreamingFixture fixture;
    std::string text;
    for (int i = 0; i < 3'000; ++i) text += fmt::format("thread {} of the cloth, ", i);
    fixture.router.add(open_endpoint(Method::kGet, "/text"), answers([&](const Request&) {
                           Response response;
                           response.body_stream = std::make_shared<Slices>(text, 1'000);
                           return response;
                       }));
    for (const std::string coding : {"gzip", "deflate", "identity"}) {
        ClientRequest request;
        request.target = "/text";
        request.headers.set("Accept-Encoding", coding);
        const auto answer = fixture.ask(std::move(request));
        INFO(coding);
        CHECK(answer.status == 200);
        CHECK(answer.headers.get("Vary") == "Accept-Encoding");
        if (coding == "identity") {
            CHECK_FALSE(answer.headers.get("Content-Encoding"));
            CHECK(answer.body == text);
        } else {
            CHECK(answer.headers.get("Content-Encoding") == coding);
            CHECK(answer.body.size() < text.size() / 3);
            CHECK(inflate_any(answer.body) == text);
        }
    }
}

TEST_CASE("a body that is made while it is sent is work of its request", "[http]") {
    StreamingFixture fixture;
    const auto misuse = core::log_context_misuse_count();
    fixture.router.add(open_endpoint(Method::kGet, "/who"), answers([&](const Request&) {
                           Response response;
                           response.body_stream = std::make_shared<Whose>();
                           return response;
                       }));
    ClientRequest request;
    request.target = "/who";
    const auto answer = fixture.ask(std::move(request));
    const auto name = answer.body.substr(0, answer.body.find('\n'));
    CHECK(name.starts_with("GET-test-"));
    CHECK(answer.body == fmt::format("{0}\n{0}\n{0}\n", name));
    CHECK(core::log_context_misuse_count() == misuse);
}

TEST_CASE("HEAD tells a streamed response's length and sends nothing of it", "[http]") {
    StreamingFixture fixture;
    auto endpoint = open_endpoint(Method::kHead, "/pieces");
    const auto pieces = std::make_shared<Pieces>(4, 10, true);
    fixture.router.add(endpoint, answers([&](const Request&) {
                           Response response;
                           response.body_stream = pieces;
                           return response;
                       }));
    auto client = fixture.connect();
    run(fixture.io, client.send("HEAD /pieces HTTP/1.1\r\nHost: x\r\n\r\n"));

    const auto answer = run(fixture.io, client.receive(true));

    CHECK(answer.field("Content-Length") == "40");
    CHECK(pieces->left() == 4);
    CHECK(run(fixture.io, client.exchange(get("/hello"))).status == 200);
}

TEST_CASE("a response that ends before its announced length ends the connection", "[http]") {
    StreamingFixture fixture;
    ClientRequest request;
    request.target = "/short";

    CHECK_THROWS_AS(fixture.ask(request), ClientError);
}

}  // namespace weft::http
