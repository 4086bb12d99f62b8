#include "homeserver_fixture.hpp"

#include <catch2/catch.hpp>

#include "weft/core/metrics.hpp"
#include "weft/http/uri.hpp"
#include "weft/storage/position_reader.hpp"

namespace weft::test {

namespace {

constexpr auto kServer = "test";

Task<http::Requester> authenticate(const http::Request& request, http::Auth) {
    const auto header = request.headers.get("Authorization").value_or("");
    if (header.empty()) throw core::MatrixError::missing_token();
    const auto token = header.substr(std::string_view{"Bearer "}.size());
    const auto slash = token.find('/');
    http::Requester requester;
    requester.user_id = fmt::format("@{}:{}", token.substr(0, slash), kServer);
    requester.device_id = slash == token.npos ? "DEVICE" : token.substr(slash + 1);
    co_return requester;
}

replication::RpcClient::Options rpc_options(const std::string& instance) {
    replication::RpcClient::Options options;
    options.instance_name = instance;
    options.secret = "secret";
    return options;
}

std::string next_transaction() {
    static int count = 0;
    return fmt::format("txn{}", ++count);
}

}  // namespace

TestProcess::TestProcess(asio::io_context& context, const TestDatabase& database, core::Config wanted, const proto::SigningKey& key)
    : io{context},
      config{std::move(wanted)},
      db{database.config(), config.instance_name.get(), io.get_executor()},
      streams{config},
      stores{config.state_database ? storage::Databases{db, state_db.emplace(*config.state_database, config.instance_name.get(), io.get_executor())}
                                   : storage::Databases{db},
             streams, config, clock, io.get_executor()},
      rpc{io.get_executor(), clock, rpc_options(config.instance_name.get())},
      services{stores, streams, rpc, config, clock, key, io.get_executor()},
      client_api{services, config, clock},
      applier{io.get_executor(), stores.events, streams.events} {
    client_api.register_on(router);
    router.set_authenticator(authenticate);
    streams.seed(storage::PositionReader{db}.read_blocking());
    test::run(io, services.presence.start());
    publish_to_followers();
}

TestProcess::~TestProcess() {
    test::run(io, services.stop(5'000));
    test::run(io, applier.stop());
}

void TestProcess::publish_to_followers() {
    const auto mine = streams.all();
    for (std::size_t i = 0; i < mine.size(); ++i) {
        mine[i]->set_publisher([this, i, stream = mine[i]](std::int64_t token, const storage::StreamRows& rows) {
            const auto& instance = config.instance_name.get();
            for (auto* follower : followers_) {
                if (stream == &streams.events) {
                    follower->applier.apply(instance, token, rows);
                } else {
                    follower->streams.all()[i]->apply(instance, token, rows);
                }
            }
        });
    }
}

void TestProcess::follow(TestProcess& writer) { writer.followers_.push_back(this); }

HomeserverFixture::HomeserverFixture(core::Config wanted)
    : config{std::move(wanted)},
      database{std::make_shared<TestDatabase>()},
      key{proto::SigningKey::generate("a_test")},
      master{std::make_unique<TestProcess>(io, *database, config, key)} {}

HomeserverFixture::~HomeserverFixture() = default;

core::Config HomeserverFixture::roomy_config() {
    core::Config config;
    config.server_name = kServer;
    config.use_presence = true;
    config.rc_message = config.rc_joins.local = config.rc_invites.per_room = config.rc_invites.per_user = {1000, 10'000};
    return config;
}

TestProcess& HomeserverFixture::start_worker(const std::string& name) {
    auto of_worker = config;
    of_worker.worker_app = "weft.app.synchrotron";
    of_worker.instance_name = core::InstanceName{name};
    workers.push_back(std::make_unique<TestProcess>(io, *database, of_worker, key));
    workers.back()->follow(*master);
    return *workers.back();
}

void HomeserverFixture::restart_master() {
    master.reset();
    master = std::make_unique<TestProcess>(io, *database, config, key);
}

Task<http::Response> HomeserverFixture::raw_request(TestProcess& process, http::Method method, std::string token, std::string path,
                                                    std::string body) {
    http::Request request;
    request.method = method;
    const bool whole = path.starts_with("/_matrix/") || path.starts_with("/.well-known/");
    request.target = whole ? path : "/_matrix/client/v3" + path;
    const auto split = http::split_target(request.target);
    request.path = std::string{split.path};
    request.query = http::parse_query(split.query).value();
    request.body = std::move(body);
    request.headers.set("Authorization", "Bearer " + token);
    co_return co_await process.router.handle(std::move(request));
}

Task<HomeserverFixture::Answer> HomeserverFixture::request(TestProcess& process, http::Method method, std::string token, std::string path,
                                                           std::string body) {
    auto response = co_await raw_request(process, method, std::move(token), std::move(path), std::move(body));
    if (response.body_stream) response.body = co_await http::read_all(std::move(response.body_stream), kAnswerBytesMax);
    co_return Answer{response.status, proto::parse_json_object(response.body).value()};
}

HomeserverFixture::Answer HomeserverFixture::call(http::Method method, const std::string& token, const std::string& path,
                                                  const std::string& body) {
    return run(request(*master, method, token, path, body));
}

std::string HomeserverFixture::create_room(const std::string& token, const std::string& body) {
    const auto answer = post(token, "/createRoom", body);
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return answer.text("room_id");
}

void HomeserverFixture::join(const std::string& token, const std::string& room_id) { change(token, room_id, "join"); }

std::string HomeserverFixture::say(const std::string& token, const std::string& room_id, const std::string& text) {
    const auto answer = put(token, fmt::format("/rooms/{}/send/m.room.message/{}", room_id, next_transaction()),
                            proto::to_json(boost::json::object{{"msgtype", "m.text"}, {"body", text}}));
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return answer.text("event_id");
}

std::string HomeserverFixture::set_state(const std::string& token, const std::string& room_id, const std::string& type,
                                         const std::string& content, const std::string& state_key) {
    const auto answer = put(token, fmt::format("/rooms/{}/state/{}/{}", room_id, type, state_key), content);
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return answer.text("event_id");
}

void HomeserverFixture::change(const std::string& token, const std::string& room_id, const std::string& what, const std::string& whom) {
    const auto body = whom.empty() ? std::string{"{}"} : fmt::format(R"({{"user_id": "@{}:{}"}})", whom, kServer);
    const auto answer = post(token, fmt::format("/rooms/{}/{}", room_id, what), body);
    INFO(what << " " << proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
}

double HomeserverFixture::transactions(const std::string& name) {
    return core::counter("weft_db_transactions_total", "", {{"name", name}}).value();
}

double HomeserverFixture::transactions() {
    const auto text = core::render_metrics();
    double sum = 0;
    for (std::size_t at = 0; (at = text.find("\nweft_db_transactions_total{", at)) != text.npos; ++at) {
        sum += std::stod(text.substr(text.find("} ", at) + 2, 32));
    }
    // The look at what senders have read comes a moment after a send, into whatever the test does then.
    return sum - transactions("unread_before");
}

void HomeserverFixture::run_until(std::function<bool()> done) {
    auto wait = [](std::function<bool()> condition) -> Task<void> {
        while (!condition()) co_await core::sleep_for(core::Milliseconds{2});
    };
    test::run(io, wait(std::move(done)), std::chrono::seconds{10});
}

}  // namespace weft::test
