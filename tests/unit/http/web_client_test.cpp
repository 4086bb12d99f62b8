#include <catch2/catch.hpp>

#include "http_fixture.hpp"
#include "weft/http/web_client.hpp"

namespace weft::http {
namespace {

asio::ip::address address(const char* text) {
    return asio::ip::make_address(text);
}

/// /here answers, /there redirects to it, /round redirects to itself.
struct WebFixture : ServerFixture {
    WebFixture() {
        router.add(open_endpoint(Method::kGet, "/here"), answers([](const Request& request) {
                       Response response{200, std::string{request.headers.get("Host").value_or("")}};
                       response.content_type = "text/plain";
                       return response;
                   }));
        for (const auto* path : {"/there", "/round"}) {
            router.add(open_endpoint(Method::kGet, path), answers([path](const Request&) {
                           Response response{302, ""};
                           response.headers.set("Location", path == std::string_view{"/there"} ? "here" : "/round");
                           return response;
                       }));
        }
    }
    std::string url(const std::string& path) const { return fmt::format("http://127.0.0.1:{}{}", server->port(), path); }
    WebResponse fetch(const std::string& to, int redirects_max = 0, AddressFilter filter = {}) {
        WebRequest request;
        request.url = to;
        request.redirects_max = redirects_max;
        request.timeout_ms = 5'000;
        WebClient client{io.get_executor(), std::move(filter)};
        return run(io, client.send(std::move(request)));
    }
};

}  // namespace

TEST_CASE("an address filter blocks networks, but for its exceptions", "[http]") {
    const AddressFilter filter{{"127.0.0.0/8", "10.0.0.0/8", "fe80::/10", "::1", "192.0.2.7"}, {"10.1.0.0/16"}};

    CHECK_FALSE(filter.allows(address("127.0.0.1")));
    CHECK_FALSE(filter.allows(address("10.2.3.4")));
    CHECK(filter.allows(address("10.1.3.4")));
    CHECK_FALSE(filter.allows(address("fe80::1")));
    CHECK_FALSE(filter.allows(address("::1")));
    CHECK_FALSE(filter.allows(address("192.0.2.7")));
    CHECK(filter.allows(address("192.0.2.8")));
    CHECK(filter.allows(address("2001:db8::1")));
    CHECK(AddressFilter{}.allows(address("127.0.0.1")));
}

TEST_CASE("an IPv4 address in the clothes of an IPv6 address is blocked like itself", "[http]") {
    const AddressFilter filter{{"127.0.0.0/8"}, {}};

    CHECK_FALSE(filter.allows(address("::ffff:127.0.0.1")));
    CHECK_FALSE(filter.allows(address("64:ff9b::7f00:1")));
    CHECK_FALSE(filter.allows(address("2002:7f00:1::")));
    CHECK(filter.allows(address("::ffff:192.0.2.1")));
}

TEST_CASE("an address filter refuses what is no network", "[http]") {
    CHECK_THROWS_AS(AddressFilter({"10.0.0.0/33"}, {}), std::invalid_argument);
    CHECK_THROWS_AS(AddressFilter({"example.org"}, {}), std::invalid_argument);
}

TEST_CASE("the web client fetches a URL and follows as many redirects as it may", "[http]") {
    WebFixture fixture;

    const auto direct = fixture.fetch(fixture.url("/here#part"));
    CHECK(direct.status == 200);
    CHECK(direct.body == fmt::format("127.0.0.1:{}", fixture.server->port()));
    CHECK(direct.content_type == "text/plain");

    CHECK(fixture.fetch(fixture.url("/there")).status == 302);
    const auto followed = fixture.fetch(fixture.url("/there?a b"), 1);
    CHECK(followed.status == 200);
    CHECK(followed.url == fixture.url("/here"));
    CHECK(fixture.fetch(fixture.url("/round"), 3).status == 302);
}

TEST_CASE("the web client connects to no blocked address and speaks nothing but HTTP", "[http]") {
    WebFixture fixture;

    CHECK_THROWS_AS(fixture.fetch(fixture.url("/here"), 0, AddressFilter{{"127.0.0.0/8"}, {}}), ClientError);
    CHECK_THROWS_AS(fixture.fetch("http://localhost:1/", 0, AddressFilter{{"127.0.0.0/8", "::1"}, {}}), ClientError);
    for (const auto* url : {"ftp://127.0.0.1/", "file:///etc/passwd", "not a url", "http://", "//127.0.0.1/x", ""})
        CHECK_THROWS_AS(fixture.fetch(url), ClientError);
}

}  // namespace weft::http
