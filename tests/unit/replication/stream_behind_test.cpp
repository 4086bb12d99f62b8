#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace weft;
using namespace weft::replication;
using namespace weft::replication::testing;

namespace pr = weft::proto::replication;

namespace {

class SilentLink final : public Link {
public:
    explicit SilentLink(ReplicationCommandHandler& handler) : id_{handler.new_link_id()} {}
    LinkId id() const override { return id_; }
    std::string peer_name() const override { return "master"; }
    void send_line(std::string) override {}
    void wake() override {}
    void subscribe(std::set<std::string>) override {}
    void on_caught_up() override {}

private:
    LinkId id_;
};

/// A worker with one stream that writes down what it is told.
struct Worker {
    explicit Worker(asio::io_context& io)
        : fake{database, "worker1"}, handler{io.get_executor(), clock, handler_options("worker1")} {
        StreamBindings bindings;
        bindings.current_token = [this](const std::string&) { return position; };
        bindings.updates = [](std::string, std::int64_t, std::int64_t upto, std::size_t) -> Task<Updates> {
            co_await core::sleep_for(core::Milliseconds{1});
            Updates page;
            page.upto = upto;
            page.rows.push_back({upto, json::array{1}});
            co_return page;
        };
        bindings.apply = [this](const std::string&, std::int64_t token, const Rows&) {
            position = token;
            log.push_back("row " + std::to_string(token));
        };
        bindings.advance = [this](const std::string&, std::int64_t token) { position = token; };
        bindings.set_behind = [this](const std::string& instance, bool behind) {
            log.push_back(instance + (behind ? " behind" : " caught up"));
        };
        handler.add_stream(Stream{"account_data", {"master"}, std::move(bindings)});
    }
    std::shared_ptr<SilentLink> connect() {
        auto link = std::make_shared<SilentLink>(handler);
        handler.link_opened(link, true);
        return link;
    }
    void receive(const std::shared_ptr<SilentLink>& link, const std::string& line) {
        auto command = pr::parse_line(line);
        REQUIRE(command.has_value());
        REQUIRE(handler.on_command(link->id(), std::move(*command), line).has_value());
    }

    core::SystemClock clock;
    FakeDatabase database;
    FakeProcess fake;
    ReplicationCommandHandler handler;
    std::int64_t position = 5;
    std::vector<std::string> log;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a stream is told when it has caught up, when rows have to be fetched and when the link is lost",
          "[replication][handler]") {
    asio::io_context io;
    Worker worker{io};
    run(io, [&]() -> Task<void> {
        const auto link = worker.connect();
        worker.receive(link, "POSITION account_data master 5");
        CHECK(worker.log == Lines{"master caught up"});

        worker.receive(link, "RDATA account_data master 6 [1]");
        worker.receive(link, "POSITION account_data master 6");
        CHECK(worker.log == Lines{"master caught up", "row 6"});

        worker.log.clear();
        worker.receive(link, "POSITION account_data master 9");
        CHECK(worker.log == Lines{"master behind"});
        co_await until([&] { return worker.log.size() == 3; });
        CHECK(worker.log == Lines{"master behind", "row 9", "master caught up"});

        worker.log.clear();
        worker.handler.link_closed(link->id());
        CHECK(worker.log == Lines{"master behind"});
        const auto again = worker.connect();
        worker.receive(again, "POSITION account_data master 10");
        co_await until([&] { return worker.log.size() == 3; });
        CHECK(worker.log == Lines{"master behind", "row 10", "master caught up"});
        co_await worker.handler.stop();
    });
}
