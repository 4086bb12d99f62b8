#include <catch2/catch.hpp>

#include "http_fixture.hpp"

namespace weft::http {
namespace {

std::string errcode(const RawResponse& response) {
    return boost::json::parse(response.body).at("errcode").as_string().c_str();
}

}  // namespace

TEST_CASE("a connection is kept and serves one request after the other", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();

    const auto first = run(fixture.io, client.exchange(get("/hello")));
    const auto second = run(fixture.io, client.exchange(post("/echo", R"({"a":1})")));

    CHECK(first.status == 200);
    CHECK(first.body == "{}");
    CHECK(first.field("Content-Type") == "application/json");
    CHECK(first.field("Connection").empty());
    CHECK(second.body == R"({"a":1})");
}

TEST_CASE("Connection: close and HTTP/1.0 end the connection after the answer", "[http]") {
    ServerFixture fixture;
    auto asking = fixture.connect();
    auto old = fixture.connect();
    auto old_kept = fixture.connect();

    CHECK(run(fixture.io, asking.exchange(get("/hello", "Connection: close\r\n"))).field("Connection") ==
          "close");
    CHECK(run(fixture.io, asking.at_end()));
    CHECK(run(fixture.io, old.exchange("GET /hello HTTP/1.0\r\n\r\n")).field("Connection") == "close");
    CHECK(run(fixture.io, old.at_end()));
    const auto kept = "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    CHECK(run(fixture.io, old_kept.exchange(kept)).field("Connection") == "keep-alive");
    CHECK(run(fixture.io, old_kept.exchange(kept)).status == 200);
}

TEST_CASE("pipelined requests are answered in order, however fast the later ones are", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();
    run(fixture.io, client.send(get("/hold") + post("/echo", "\"two\"") + get("/hello")));
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 1; }));

    fixture.release.notify_all();

    CHECK(run(fixture.io, client.receive()).body == "\"released\"");
    CHECK(run(fixture.io, client.receive()).body == "\"two\"");
    CHECK(run(fixture.io, client.receive()).body == "{}");
}

TEST_CASE("requests may arrive byte by byte and blank lines before them are forgiven", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();

    for (const char c : "\r\n" + post("/echo", "\"slow\"", "X-Folded: a\r\n")) {
        run(fixture.io, client.send(std::string(1, c)));
    }

    CHECK(run(fixture.io, client.receive()).body == "\"slow\"");
}

TEST_CASE("a chunked body is put together, its trailers are ignored", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();

    const auto response =
        run(fixture.io, client.exchange("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                                        "4\r\nabcd\r\n3;ext=1\r\nefg\r\n0\r\nX-Trailer: 1\r\n\r\n"));

    CHECK(response.body == "abcdefg");
    CHECK(run(fixture.io, client.exchange(get("/hello"))).status == 200);
}

TEST_CASE("a large body arrives whole", "[http]") {
    ServerLimits limits;
    limits.body_bytes_max = 4 * 1024 * 1024;
    ServerFixture fixture{limits};
    std::string body(3'000'000, 'x');
    for (std::size_t i = 0; i < body.size(); i += 97) body[i] = static_cast<char>('a' + i % 26);

    CHECK(fixture.exchange(post("/echo", body)).body == body);
}

TEST_CASE("a body over the limit is M_TOO_LARGE, whether announced or chunked", "[http]") {
    ServerLimits limits;
    limits.body_bytes_max = 100;
    ServerFixture fixture{limits};
    const std::string big(101, 'x');

    const auto announced = fixture.exchange(post("/echo", big));
    const auto chunked = fixture.exchange("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" +
                                          big + "\r\n0\r\n\r\n");
    const auto at_limit = fixture.exchange(post("/echo", std::string(100, 'x')));

    CHECK(announced.status == 413);
    CHECK(errcode(announced) == "M_TOO_LARGE");
    CHECK(announced.field("Connection") == "close");
    CHECK(chunked.status == 413);
    CHECK(errcode(chunked) == "M_TOO_LARGE");
    CHECK(at_limit.status == 200);
}

TEST_CASE("an endpoint's own body limit replaces the server's", "[http]") {
    ServerLimits limits;
    limits.body_bytes_max = 10;
    ServerFixture fixture{limits};
    auto upload = open_endpoint(Method::kPost, "/upload");
    upload.body_bytes_max = 1000;
    fixture.router.add(upload, answers([](const Request& request) {
                           return Response{200, std::to_string(request.body.size())};
                       }));

    CHECK(fixture.exchange(post("/upload", std::string(1000, 'x'))).body == "1000");
    CHECK(fixture.exchange(post("/upload", std::string(1001, 'x'))).status == 413);
}

TEST_CASE("a client that goes on sending a refused body still reads why", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();
    run(fixture.io, client.send("POST /echo HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n"));

    run(fixture.io, client.send(std::string(5'000'000, 'x')));

    CHECK(run(fixture.io, client.receive()).status == 413);
}

TEST_CASE("a header over the limit is 431, in one field or in many", "[http]") {
    ServerLimits limits;
    limits.header_bytes_max = 2048;
    ServerFixture fixture{limits};
    std::string many;
    for (int i = 0; i < 100; ++i) many += "X-Field-" + std::to_string(i) + ": 0123456789\r\n";
    std::string countless;
    for (int i = 0; i < 300; ++i) countless += "a:\r\n";

    for (const auto& request :
         {get("/hello", "X-Big: " + std::string(3000, 'x') + "\r\n"), get("/hello", many),
          get("/" + std::string(3000, 'x')), get("/hello", countless)}) {
        const auto response = fixture.exchange(request);
        CHECK(response.status == 431);
        CHECK(errcode(response) == "M_TOO_LARGE");
    }
}

TEST_CASE("what is no HTTP is answered with 400 and a Matrix error, and ends the connection", "[http]") {
    ServerFixture fixture;
    for (const std::string request :
         {"nonsense\r\n\r\n", "GET / HTTP/3.7\r\n\r\n", "GET /hello HTTP/1.1\r\nno colon\r\n\r\n",
          "GET hello HTTP/1.1\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n",
          "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
          "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
          "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
          "GET /hello?a=%ff HTTP/1.1\r\n\r\n"}) {
        CAPTURE(request);
        auto client = fixture.connect();
        const auto response = run(fixture.io, client.exchange(request));
        CHECK(response.status == 400);
        CHECK(errcode(response).starts_with("M_"));
        CHECK(run(fixture.io, client.at_end()));
    }
}

TEST_CASE("a path that is not UTF-8 is 400 but keeps the connection", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();

    CHECK(run(fixture.io, client.exchange(get("/%ff"))).status == 400);
    CHECK(run(fixture.io, client.exchange(get("/hello"))).status == 200);
}

TEST_CASE("HEAD tells the length and sends no body", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();
    run(fixture.io, client.send("HEAD /hello HTTP/1.1\r\n\r\n"));

    const auto head = run(fixture.io, client.receive(true));
    const auto next = run(fixture.io, client.exchange(get("/hello")));

    CHECK(head.field("Content-Length") == "2");
    CHECK(next.body == "{}");
}

TEST_CASE("CORS headers stand on the APIs that browsers use and on every OPTIONS", "[http]") {
    ServerFixture fixture;

    const auto api = fixture.exchange(get("/_matrix/client/v3/nothing"));
    const auto admin = fixture.exchange(get("/_synapse/admin/v1/nothing"));
    const auto other = fixture.exchange(get("/hello"));
    const auto preflight = fixture.exchange("OPTIONS /anything HTTP/1.1\r\n\r\n");
    const auto malformed = fixture.exchange(get("/_matrix/client/v3/sync?a=%ff"));

    CHECK(api.status == 404);
    CHECK(errcode(api) == "M_UNRECOGNIZED");
    CHECK(api.field("Access-Control-Allow-Origin") == "*");
    CHECK(api.field("Access-Control-Allow-Methods") == "GET, POST, PUT, DELETE, OPTIONS");
    CHECK(api.field("Access-Control-Allow-Headers") == "X-Requested-With, Content-Type, Authorization");
    CHECK(admin.field("Access-Control-Allow-Origin") == "*");
    CHECK(other.field("Access-Control-Allow-Origin").empty());
    CHECK(preflight.status == 200);
    CHECK(preflight.field("Access-Control-Allow-Origin") == "*");
    CHECK(malformed.field("Access-Control-Allow-Origin") == "*");
}

TEST_CASE("answers are compressed if asked for, long enough and worth it", "[http]") {
    ServerFixture fixture;
    const std::string text(20'000, 'a');
    const auto ask = [&](const std::string& body, const std::string& coding) {
        return fixture.exchange(
            post("/echo", body, coding.empty() ? "" : "Accept-Encoding: " + coding + "\r\n"));
    };

    const auto gzip = ask(text, "deflate, gzip;q=0.5");
    const auto deflate = ask(text, "br, deflate");

    CHECK(gzip.field("Content-Encoding") == "gzip");
    CHECK(gzip.body.size() < 1000);
    CHECK(inflate_any(gzip.body) == text);
    CHECK(gzip.field("Vary") == "Accept-Encoding");
    CHECK(deflate.field("Content-Encoding") == "deflate");
    CHECK(inflate_any(deflate.body) == text);
    CHECK(inflate_any(ask(text, "gzip").body) == text);
    CHECK(ask(text, "").body == text);
    CHECK(ask(text, "gzip;q=0").body == text);
    CHECK(ask(text, "br").field("Content-Encoding").empty());
    CHECK(ask(text.substr(0, 1024), "gzip").field("Content-Encoding").empty());
}

TEST_CASE("the server waits for a body with 100 Continue where it is asked to", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();
    const auto interim = run(fixture.io, client.exchange("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\n"
                                                         "Content-Length: 4\r\n\r\n"));

    CHECK(interim.status == 100);
    CHECK(run(fixture.io, client.exchange("body")).body == "body");
}

TEST_CASE("handlers cannot break the framing of their answer", "[http]") {
    ServerFixture fixture;
    fixture.router.add(open_endpoint(Method::kGet, "/odd"), answers([](const Request&) {
                           Response response{200, "body"};
                           response.headers.add("Content-Length", "999");
                           response.headers.add("Transfer-Encoding", "chunked");
                           response.headers.add("X-Split", "a\r\nX-Evil: b");
                           response.headers.add("Bad Name", "x");
                           return response;
                       }));
    auto client = fixture.connect();

    const auto response = run(fixture.io, client.exchange(get("/odd")));

    CHECK(response.body == "body");
    CHECK(response.field("Content-Length") == "4");
    CHECK(response.field("Transfer-Encoding").empty());
    CHECK(response.field("X-Evil").empty());
    CHECK(response.field("X-Split") == "a  X-Evil: b");
    CHECK(run(fixture.io, client.exchange(get("/hello"))).status == 200);
}

TEST_CASE("an empty answer has neither type nor length", "[http]") {
    ServerFixture fixture;
    fixture.router.add(open_endpoint(Method::kGet, "/none"), answers([](const Request&) {
                           return Response{204, "x"};
                       }));
    auto client = fixture.connect();

    const auto none = run(fixture.io, client.exchange(get("/none")));

    CHECK(none.status == 204);
    CHECK(none.field("Content-Length").empty());
    CHECK(run(fixture.io, client.exchange(get("/hello"))).body == "{}");
}

TEST_CASE("an answer larger than the socket's buffer arrives whole", "[http]") {
    ServerFixture fixture;
    const std::string big(8'000'000, 'z');
    fixture.router.add(open_endpoint(Method::kGet, "/big"), answers([&](const Request&) {
                           return Response{200, big};
                       }));

    CHECK(fixture.exchange(get("/big")).body == big);
}

TEST_CASE("the client's address is the last hop that is no trusted proxy", "[http]") {
    ServerFixture fixture{{}, true};
    const auto client = [&](const std::string& fields) {
        return fixture.exchange(get("/client", fields)).body;
    };

    CHECK(client("") == "127.0.0.1");
    CHECK(client("X-Forwarded-For: 1.2.3.4\r\n") == "1.2.3.4");
    CHECK(client("X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.1.2.3\r\n") == "1.2.3.4");
    CHECK(client("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 1.2.3.4\r\n") == "1.2.3.4");
    CHECK(client("X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n") == "10.0.0.1");
    CHECK(client("X-Forwarded-For: 1.2.3.4, nonsense, 10.0.0.2\r\n") == "10.0.0.2");
    CHECK(client("X-Forwarded-For: 1.2.3.4:5678\r\n") == "1.2.3.4");
    CHECK(client("X-Forwarded-For: [2001:db8::1]:80\r\n") == "2001:db8::1");
    CHECK(client("X-Forwarded-For: ::ffff:1.2.3.4\r\n") == "1.2.3.4");
}

TEST_CASE("X-Forwarded-For is not believed unless the listener says so", "[http]") {
    ServerFixture fixture;

    CHECK(fixture.exchange(get("/client", "X-Forwarded-For: 1.2.3.4\r\n")).body == "127.0.0.1");
}

TEST_CASE("nonsense among the trusted proxies is refused", "[http]") {
    asio::io_context io;
    Router router;

    CHECK_THROWS_AS(Server(io.get_executor(), router, core::ListenerConfig{}, {"10.0.0.0/8", "proxy"}),
                    std::invalid_argument);
}

}  // namespace weft::http
