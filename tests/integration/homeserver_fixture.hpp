#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "client_api.hpp"
#include "events_applier.hpp"
#include "postgres_fixture.hpp"
#include "services.hpp"
#include "stores.hpp"
#include "streams.hpp"
#include "weft/core/log_context.hpp"
#include "weft/http/body.hpp"
#include "weft/http/router.hpp"
#include "weft/proto/json.hpp"

namespace weft::test {

/// One process of a homeserver as its program composes it, but for sockets: requests go to its router, and streams are
/// handed from one process to the next by follow().
class TestProcess {
public:
    TestProcess(asio::io_context& io, const TestDatabase& database, core::Config config, const proto::SigningKey& key);
    ~TestProcess();

    /// From now on gets the rows of all streams that `writer` writes, as replication would bring them.
    void follow(TestProcess& writer);

    asio::io_context& io;
    core::Config config;
    core::SystemClock clock;
    storage::Database db;
    std::optional<storage::Database> state_db;  // where the configuration names one
    workers::Streams streams;
    workers::Stores stores;
    replication::RpcClient rpc;
    workers::Services services;
    workers::ClientApi client_api;
    http::Router router;
    workers::EventsApplier applier;

private:
    struct Link;
    void publish_to_followers();

    std::vector<TestProcess*> followers_;
};

/// A homeserver of one process, the master, and as many others as a test starts. The access token of a user is
/// `<localpart>/<device>`, or `<localpart>` for the device DEVICE.
class HomeserverFixture {
public:
    explicit HomeserverFixture(core::Config wanted = roomy_config());
    ~HomeserverFixture();
    static core::Config roomy_config();

    /// A process that writes nothing and follows the master.
    TestProcess& start_worker(const std::string& name);
    /// Stops the master as `kill` would and starts another on the same database.
    void restart_master();

    struct Answer {
        int status = 0;
        boost::json::object body;
        std::string text(std::string_view key) const { return std::string{proto::get_string(body, key).value_or("")}; }
        std::string errcode() const { return text("errcode"); }
    };
    static constexpr std::size_t kAnswerBytesMax = 64 * 1024 * 1024;
    /// A path that does not begin with /_matrix/ or /.well-known/ is one of the client API, version 3.
    Task<Answer> request(TestProcess& process, http::Method method, std::string token, std::string path, std::string body);
    /// The same with a body that may come in parts.
    Task<http::Response> raw_request(TestProcess& process, http::Method method, std::string token, std::string path, std::string body);
    Answer call(http::Method method, const std::string& token, const std::string& path, const std::string& body = {});
    Answer get(const std::string& token, const std::string& path) { return call(http::Method::kGet, token, path); }
    Answer post(const std::string& token, const std::string& path, const std::string& body = "{}") {
        return call(http::Method::kPost, token, path, body);
    }
    Answer put(const std::string& token, const std::string& path, const std::string& body = "{}") {
        return call(http::Method::kPut, token, path, body);
    }

    /// These fail the test if they are refused.
    std::string create_room(const std::string& token, const std::string& body = R"({"preset": "public_chat"})");
    void join(const std::string& token, const std::string& room_id);
    std::string say(const std::string& token, const std::string& room_id, const std::string& text);
    std::string set_state(const std::string& token, const std::string& room_id, const std::string& type, const std::string& content,
                          const std::string& state_key = {});
    /// Membership changes by `token`: invite, kick, ban, unban, leave.
    void change(const std::string& token, const std::string& room_id, const std::string& what, const std::string& whom = {});

    /// Transactions that all processes of the test have run since it began.
    static double transactions();
    static double transactions(const std::string& name);

    template <class T>
    T run(Task<T> task) {
        return test::run(io, std::move(task));
    }
    /// Lets the processes run until `done`, at most ten seconds.
    void run_until(std::function<bool()> done);
    std::vector<std::vector<std::string>> sql(const std::string& statements) const { return database->sql(statements); }

    core::Config config;
    std::shared_ptr<TestDatabase> database;
    asio::io_context io;
    proto::SigningKey key;
    std::unique_ptr<TestProcess> master;
    std::list<std::unique_ptr<TestProcess>> workers;
};

}  // namespace weft::test
