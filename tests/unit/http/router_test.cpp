#include <catch2/catch.hpp>

#include "http_fixture.hpp"
#include "weft/core/log_context.hpp"
#include "weft/core/metrics.hpp"

namespace weft::http {
namespace {

/// Answers with the name of the endpoint and its path parameters.
Handler tells(std::string name) {
    return answers([name](const Request& request) {
        std::string text = name;
        for (const auto& [key, value] : request.path_params) text += " " + key + "=" + value;
        return Response{200, text};
    });
}

class Table {
public:
    void add(Method method, const std::string& path, const std::string& name) {
        router.add(open_endpoint(method, path, name), tells(name));
    }
    Response get(Method method, std::string path) {
        return run(io, router.handle(request_for(method, std::move(path))));
    }
    std::string body(std::string path) { return get(Method::kGet, std::move(path)).body; }

    asio::io_context io;
    Router router;
};

std::string errcode(const Response& response) {
    return boost::json::parse(response.body).at("errcode").as_string().c_str();
}

}  // namespace

TEST_CASE("literal segments win over parameters, parameters over the rest", "[http]") {
    Table table;
    table.add(Method::kGet, "/rooms/{roomId}", "room");
    table.add(Method::kGet, "/rooms/public", "public");
    table.add(Method::kGet, "/rooms/{roomId}/state/{type}/{key*}", "state");
    table.add(Method::kGet, "/rooms/{roomId}/state", "all");
    table.add(Method::kGet, "/rooms/{rest*}", "rest");

    CHECK(table.body("/rooms/public") == "public");
    CHECK(table.body("/rooms/other") == "room roomId=other");
    CHECK(table.body("/rooms/r/state") == "all roomId=r");
    CHECK(table.body("/rooms/r/state/t") == "state key= roomId=r type=t");
    CHECK(table.body("/rooms/r/state/t/") == "state key= roomId=r type=t");
    CHECK(table.body("/rooms/r/state/t/a/b") == "state key=a/b roomId=r type=t");
    CHECK(table.body("/rooms/r/other") == "rest rest=r/other");
    CHECK(table.body("/rooms") == "rest rest=");
}

TEST_CASE("a literal branch without the method leaves the request to a parameter branch", "[http]") {
    Table table;
    table.add(Method::kGet, "/a/{id}", "by id");
    table.add(Method::kPost, "/a/literal", "literal");
    table.add(Method::kGet, "/b/x/one", "one");
    table.add(Method::kGet, "/b/{id}/two", "two");

    CHECK(table.body("/a/literal") == "by id id=literal");
    CHECK(table.body("/b/x/two") == "two id=x");
}

TEST_CASE("segments are percent-decoded after splitting", "[http]") {
    Table table;
    table.add(Method::kGet, "/rooms/{roomId}/messages", "messages");

    CHECK(table.body("/rooms/%21a%2Fb%3Aexample.org/messages") == "messages roomId=!a/b:example.org");
    CHECK(table.body("/rooms/!a:b/%6Dessages") == "messages roomId=!a:b");
    CHECK(table.body("/rooms/a+b/messages") == "messages roomId=a+b");
}

TEST_CASE("a trailing slash makes another path and a parameter is never empty", "[http]") {
    Table table;
    table.add(Method::kGet, "/a/b", "b");
    table.add(Method::kGet, "/p/{id}", "p");

    CHECK(table.get(Method::kGet, "/a/b").status == 200);
    CHECK(table.get(Method::kGet, "/a/b/").status == 404);
    CHECK(table.get(Method::kGet, "/p/").status == 404);
    CHECK(table.get(Method::kGet, "/p/x/").status == 404);
    CHECK(table.get(Method::kGet, "//a/b").status == 404);
}

TEST_CASE("an unknown path is 404 and a known one with another method 405, both M_UNRECOGNIZED", "[http]") {
    Table table;
    table.add(Method::kPut, "/a", "put");
    table.add(Method::kGet, "/a", "get");

    const auto unknown = table.get(Method::kGet, "/b");
    const auto wrong = table.get(Method::kDelete, "/a");

    CHECK(unknown.status == 404);
    CHECK(errcode(unknown) == "M_UNRECOGNIZED");
    CHECK(wrong.status == 405);
    CHECK(errcode(wrong) == "M_UNRECOGNIZED");
    CHECK(wrong.headers.get("Allow") == "OPTIONS, GET, PUT");
    CHECK(table.get(Method::kOther, "/a").status == 405);
}

TEST_CASE("OPTIONS is answered for any path without running an endpoint", "[http]") {
    Table table;
    table.router.add(open_endpoint(Method::kPost, "/a"),
                     answers([](const Request&) -> Response { throw std::runtime_error{"must not run"}; }));

    CHECK(table.get(Method::kOptions, "/a").status == 200);
    CHECK(table.get(Method::kOptions, "/nowhere").status == 200);
}

TEST_CASE("HEAD runs the GET endpoint", "[http]") {
    Table table;
    table.add(Method::kGet, "/a", "get");

    CHECK(table.get(Method::kHead, "/a").body == "get");
}

TEST_CASE("a path that is not UTF-8 is refused", "[http]") {
    Table table;
    table.add(Method::kGet, "/a/{id}", "a");

    CHECK(table.get(Method::kGet, "/a/%ff").status == 400);
    CHECK(table.get(Method::kGet, "/a/%2").status == 400);
    CHECK(table.get(Method::kGet, "/a/\xff").status == 400);
    CHECK(table.get(Method::kGet, "/a/%00").status == 400);
    CHECK(table.get(Method::kGet, "/a/ü").status == 200);
}

TEST_CASE("malformed and repeated templates are refused when they are added", "[http]") {
    Table table;
    table.add(Method::kGet, "/a/{id}", "first");

    CHECK_THROWS_AS(table.add(Method::kGet, "/a/{other}", "second"), std::logic_error);
    CHECK_THROWS_AS(table.add(Method::kGet, "no-slash", "x"), std::logic_error);
    CHECK_THROWS_AS(table.add(Method::kGet, "/a/{rest*}/b", "x"), std::logic_error);
    CHECK_THROWS_AS(table.add(Method::kGet, "/a/{id", "x"), std::logic_error);
    CHECK_THROWS_AS(table.add(Method::kGet, "/a/b{id}", "x"), std::logic_error);
}

TEST_CASE("the body limit of a path is its endpoint's or the default", "[http]") {
    Table table;
    auto upload = open_endpoint(Method::kPost, "/upload/{id}");
    upload.body_bytes_max = 50;
    table.router.add(upload, tells("upload"));
    table.add(Method::kPost, "/other", "other");

    CHECK(table.router.body_bytes_max(Method::kPost, "/upload/x", 10) == 50);
    CHECK(table.router.body_bytes_max(Method::kPost, "/other", 10) == 10);
    CHECK(table.router.body_bytes_max(Method::kPost, "/nowhere", 10) == 10);
    CHECK(table.router.find(Method::kPost, "/upload/x")->body_bytes_max == 50);
    CHECK(table.router.find(Method::kPost, "/nowhere") == nullptr);
    CHECK(table.router.endpoints().size() == 2);
}

TEST_CASE("client paths come in the versions asked for", "[http]") {
    CHECK(client_paths("/sync") ==
          std::vector<std::string>{"/_matrix/client/r0/sync", "/_matrix/client/v3/sync"});
    CHECK(client_paths({"v1"}, "/x") == std::vector<std::string>{"/_matrix/client/v1/x"});
}

TEST_CASE("a Matrix error becomes its status, code, text and fields", "[http]") {
    Table table;
    table.router.add(open_endpoint(Method::kGet, "/limited"), answers([](const Request&) -> Response {
                         throw core::MatrixError::limit_exceeded(1500);
                     }));
    table.router.add(open_endpoint(Method::kGet, "/interactive"), answers([](const Request&) -> Response {
                         throw core::MatrixError{401, "", ""}.with("session", "abc");
                     }));

    const auto limited = table.get(Method::kGet, "/limited");
    const auto interactive = table.get(Method::kGet, "/interactive");

    CHECK(limited.status == 429);
    CHECK(limited.headers.get("Retry-After") == "2");
    CHECK(boost::json::parse(limited.body) == boost::json::value{{"errcode", "M_LIMIT_EXCEEDED"},
                                                                 {"error", "Too Many Requests"},
                                                                 {"retry_after_ms", 1500}});
    CHECK(interactive.status == 401);
    CHECK(boost::json::parse(interactive.body) == boost::json::value{{"session", "abc"}});
}

TEST_CASE("any other exception is a 500 that tells the request's ID and nothing else", "[http]") {
    Table table;
    table.router.add(open_endpoint(Method::kGet, "/bug"),
                     answers([](const Request&) -> Response { throw std::runtime_error{"secret detail"}; }));
    table.router.add(open_endpoint(Method::kGet, "/store"),
                     answers([](const Request&) -> Response { throw core::StoreError{"secret table"}; }));
    table.router.add(open_endpoint(Method::kGet, "/odd"),
                     answers([](const Request&) -> Response { throw 42; }));
    table.router.add(open_endpoint(Method::kGet, "/aborted"), answers([](const Request&) -> Response {
                         throw boost::system::system_error{asio::error::operation_aborted};
                     }));

    for (const auto* path : {"/bug", "/store", "/odd", "/aborted"}) {
        CAPTURE(path);
        const auto response = table.get(Method::kGet, path);
        CHECK(response.status == 500);
        CHECK(boost::json::parse(response.body) ==
              boost::json::value{{"errcode", "M_UNKNOWN"}, {"error", "Internal server error"}});
        CHECK_FALSE(response.headers.get("X-Request-Id").value_or("").empty());
    }
}

TEST_CASE("a handler that takes too long is cancelled and answered with 504", "[http]") {
    Table table;
    auto slow = open_endpoint(Method::kGet, "/slow");
    slow.timeout_ms = 20;
    bool cancelled = false;
    table.router.add(slow, [&](Request) -> Task<Response> {
        core::Signal never{co_await asio::this_coro::executor};
        try {
            co_await never.wait();
        } catch (const boost::system::system_error&) {
            cancelled = true;
            throw;
        }
        co_return Response{};
    });

    const auto response = table.get(Method::kGet, "/slow");

    CHECK(response.status == 504);
    CHECK(errcode(response) == "M_UNKNOWN");
    CHECK(cancelled);
}

TEST_CASE("authentication happens where the endpoint asks for it", "[http]") {
    Table table;
    std::vector<Auth> asked;
    table.router.set_authenticator([&](const Request& request, Auth auth) -> Task<Requester> {
        asked.push_back(auth);
        if (!request.headers.get("Authorization")) throw core::MatrixError::missing_token();
        Requester requester;
        requester.user_id = "@alice:example.org";
        co_return requester;
    });
    const auto who = answers([](const Request& request) {
        return Response{200, request.requester ? request.auth().user_id : "nobody"};
    });
    const auto add = [&](const char* path, Auth auth) {
        auto endpoint = open_endpoint(Method::kGet, path);
        endpoint.auth = auth;
        table.router.add(endpoint, who);
    };
    add("/none", Auth::kNone);
    add("/optional", Auth::kOptional);
    add("/token", Auth::kAccessToken);
    add("/replication", Auth::kReplication);
    auto with_token = request_for(Method::kGet, "/optional");
    with_token.headers.add("Authorization", "Bearer x");

    CHECK(table.body("/none") == "nobody");
    CHECK(table.body("/optional") == "nobody");
    CHECK(asked.empty());
    CHECK(run(table.io, table.router.handle(with_token)).body == "@alice:example.org");
    CHECK(errcode(table.get(Method::kGet, "/token")) == "M_MISSING_TOKEN");
    CHECK(table.get(Method::kGet, "/token").status == 401);
    CHECK(table.get(Method::kGet, "/replication").status == 401);
    CHECK(asked.back() == Auth::kReplication);
}

TEST_CASE("an endpoint that wants a token is closed while nobody can check one", "[http]") {
    Table table;
    auto endpoint = open_endpoint(Method::kGet, "/token");
    endpoint.auth = Auth::kAccessToken;
    table.router.add(endpoint, tells("open"));

    CHECK(table.get(Method::kGet, "/token").status == 500);
}

TEST_CASE("an endpoint that runs elsewhere is forwarded with all that came", "[http]") {
    Table table;
    table.router.set_forwarder([](const Endpoint& endpoint) { return endpoint.operation == "here"; },
                               [](Request request, const Endpoint& endpoint) -> Task<Response> {
                                   co_return Response{200, endpoint.operation + " at " + request.target};
                               });
    for (const auto* name : {"here", "there"}) {
        auto endpoint = open_endpoint(Method::kGet, std::string{"/"} + name, name);
        endpoint.runs_at = RunsAt::kMaster;
        table.router.add(endpoint, tells("local"));
    }

    auto of_stream = open_endpoint(Method::kGet, "/typing", "typing");
    of_stream.writes = "typing";
    table.router.add(of_stream, tells("local"));

    CHECK(table.body("/here") == "local");
    CHECK(table.body("/there?a=b") == "there at /there?a=b");
    CHECK(table.body("/typing") == "typing at /typing");
}

TEST_CASE("a request runs in a log context of its own, named by method, operation and ID", "[http]") {
    Table table;
    std::string before_wait;
    std::string after_wait;
    table.router.add(open_endpoint(Method::kGet, "/a", "getA"), [&](Request request) -> Task<Response> {
        before_wait = core::current_context()->name();
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        after_wait = core::current_context()->name();
        co_return Response{200, request.request_id};
    });
    const auto misuses = core::log_context_misuse_count();

    const auto id = table.body("/a");
    table.io.poll();

    CHECK_FALSE(id.empty());
    CHECK(before_wait == "GET-getA-" + id);
    CHECK(after_wait == before_wait);
    CHECK(table.body("/a") != id);
    CHECK(core::log_context_misuse_count() == misuses);
}

TEST_CASE("requests are counted by method, operation and status", "[http]") {
    Table table;
    table.add(Method::kGet, "/counted", "countedOperation");
    const auto count = [] {
        return core::counter("weft_http_requests_total", "Requests answered",
                             {{"method", "GET"}, {"operation", "countedOperation"}, {"code", "200"}})
            .value();
    };

    const auto before = count();
    table.body("/counted");
    table.body("/counted");

    CHECK(count() == before + 2);
    CHECK(core::gauge("weft_http_in_flight", "Requests being handled").value() == 0);
}

TEST_CASE("cancelling the caller of handle cancels the handler", "[http]") {
    Table table;
    bool started = false;
    bool cancelled = false;
    table.router.add(open_endpoint(Method::kGet, "/hold"), [&](Request) -> Task<Response> {
        core::Signal never{co_await asio::this_coro::executor};
        started = true;
        try {
            co_await never.wait();
        } catch (const boost::system::system_error&) {
            cancelled = true;
            throw;
        }
        co_return Response{};
    });
    asio::cancellation_signal cancel;
    std::exception_ptr failure;
    asio::co_spawn(table.io, table.router.handle(request_for(Method::kGet, "/hold")),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](std::exception_ptr error, const Response&) { failure = error; }));
    REQUIRE(run_until(table.io, [&] { return started; }));

    cancel.emit(asio::cancellation_type::terminal);
    REQUIRE(run_until(table.io, [&] { return failure != nullptr; }));

    CHECK(cancelled);
    CHECK(core::is_cancellation(failure));
}

}  // namespace weft::http
