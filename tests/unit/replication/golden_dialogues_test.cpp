// The recorded protocol scenarios, spoken to our master over a real socket: it answers as the real one did,
// but for the deliberate differences, which are listed in docs/replication.md and read from there.
#include <set>

#include <catch2/catch.hpp>

#include "harness.hpp"
#include "raw_peer.hpp"
#include "transcript.hpp"
#include "weft/proto/replication/ascii_json.hpp"
#include "weft/replication/tcp_client.hpp"
#include "weft/replication/tcp_server.hpp"

using namespace weft;
using namespace weft::replication;
using namespace weft::replication::testing;
namespace pr = weft::proto::replication;

namespace {

/// The streams of one process: positions and the number of rows applied.
struct Positions {
    Stream stream(const std::string& name, std::vector<std::string> writers) {
        StreamBindings bindings;
        bindings.current_token = [this, name](const std::string&) { return tokens[name]; };
        bindings.updates = [](std::string, std::int64_t, std::int64_t upto, std::size_t) -> Task<Updates> {
            co_return Updates{{}, upto, false};
        };
        bindings.apply = [this, name](const std::string&, std::int64_t token, const Rows& rows) {
            tokens[name] = std::max(tokens[name], token);
            applied[name] += rows.size();
        };
        bindings.advance = [this, name](const std::string&, std::int64_t token) { tokens[name] = token; };
        return {name, std::move(writers), std::move(bindings)};
    }
    std::map<std::string, std::int64_t> tokens;
    std::map<std::string, std::size_t> applied;
};

/// The scenarios of the table "Recorded dialogues that differ" in docs/replication.md.
std::set<std::string> different_scenarios() {
    std::ifstream in{std::filesystem::path{WEFT_TEST_DATA} / ".." / ".." / "docs" / "replication.md"};
    REQUIRE(in);
    std::set<std::string> out;
    for (std::string line; std::getline(in, line);) {
        constexpr std::string_view kStart = "| `p";
        if (!line.starts_with(kStart)) continue;
        out.insert(line.substr(3, line.find('`', 3) - 3));
    }
    return out;
}

/// What the real server said, without its pings.
bool is_content(const Step& step) {
    return step.direction == '<' && !step.text.starts_with("PING ");
}

class Dialogue {
public:
    Dialogue(const std::filesystem::path& file, bool differs)
        : steps_{read_scenario(file)},
          differs_{differs},
          keeps_time_{file.filename().string() < "p04"},
          handler_{io_.get_executor(), clock_, handler_options("master")} {
        LinkLimits limits;
        limits.linger_ms = 20;
        if (keeps_time_) {
            // A hundredth of the real times, for the scenarios that consist of waiting.
            limits.ping_interval_ms = 50;
            limits.ping_timeout_ms = 250;
        }
        for (const auto& step : steps_) remember_position(step.text);
        for (const auto& stream : pr::kStreams) {
            handler_.add_stream(positions_.stream(std::string{stream.name}, {"master"}));
        }
        server_.emplace(io_.get_executor(), handler_, "localhost:8800", core::ListenerConfig{}, limits);
    }

    void run() {
        testing::run(io_, [this]() -> Task<void> {
            server_->start();
            peer_.emplace(io_, server_->port());
            for (at_ = 0; at_ < steps_.size(); ++at_) co_await perform(steps_[at_]);
            if (!closed_) co_await check_that_it_goes_on();
            peer_.reset();
            other_.reset();
            co_await server_->stop(20);
            co_await handler_.stop();
        });
    }

private:
    /// Positions of the recorded master when it was asked first.
    void remember_position(const std::string& line) {
        const auto command = line.starts_with("POSITION ") ? pr::parse_line(line) : core::ParseError{""};
        if (!command) return;
        const auto& position = std::get<pr::Position>(*command);
        positions_.tokens.try_emplace(position.stream, position.token);
    }

    Task<void> perform(Step step) {
        INFO(step.direction << ' ' << step.text.substr(0, 200));
        if (step.direction == '>') {
            if (step.text == "REPLICATE") awaited_positions_ += pr::kStreams.size();
            co_await peer_->say(step.text + "\n");
        } else if (step.direction == '#') {
            co_await act_on_remark(step.text);
        } else if (is_content(step)) {
            if (differs_ && step.text.starts_with("ERROR ")) co_return;
            if (differs_ && is_answer_to_another(step.text)) co_return;
            if (step.text.starts_with("RDATA ")) publish_token_of(step.text);
            const auto line = co_await peer_->content();
            REQUIRE(line);
            CHECK(*line == step.text);
        } else if (step.text == "server closed the connection" && !differs_) {
            CHECK_FALSE(co_await peer_->content());
            closed_ = true;
        }
    }

    /// What the remarks say was done by other means than lines of this connection.
    Task<void> act_on_remark(std::string text) {
        constexpr std::string_view kSecond = "second connection sends: ";
        constexpr std::string_view kAnother = "another connection sends ";
        if (text.starts_with("send CRLF-terminated")) {
            co_await peer_->say("NAME crlf\r\nREPLICATE\r\n");
        } else if (text.starts_with("send bytes: NAME ")) {
            co_await peer_->say("NAME \xff\xfe\n");
        } else if (text.starts_with("send nothing for 35 s")) {
            while (peer_->pings() < 7) REQUIRE(co_await peer_->line());
        } else if (text.starts_with(kSecond) || text.starts_with(kAnother)) {
            other_.emplace(io_, server_->port());
            co_await other_->say(text.substr((text.starts_with(kSecond) ? kSecond : kAnother).size()) + "\n");
        } else if (text.starts_with("second connection drops")) {
            other_.reset();
        }
    }

    /// The rows that the recorded master's stores had written: ours writes the same.
    void publish_token_of(const std::string& line) {
        const auto first = std::get<pr::Rdata>(*pr::parse_line(line));
        Rows rows;
        for (auto at = at_; at < steps_.size(); ++at) {
            if (!is_content(steps_[at])) continue;
            const auto rdata = std::get<pr::Rdata>(*pr::parse_line(steps_[at].text));
            rows.push_back(*pr::parse_row_json(rdata.row));
            if (!rdata.token) continue;
            if (published_.insert({first.stream, *rdata.token}).second) {
                positions_.tokens[first.stream] = *rdata.token;
                handler_.publish(first.stream, *rdata.token, rows);
            }
            return;
        }
    }

    /// The recorded master told everybody its positions when somebody asked.
    bool is_answer_to_another(const std::string& line) {
        if (!line.starts_with("POSITION ")) return false;
        if (awaited_positions_ == 0) return true;
        --awaited_positions_;
        return false;
    }

    Task<void> check_that_it_goes_on() {
        co_await peer_->say("REPLICATE\n");
        const auto line = co_await peer_->content();
        REQUIRE(line);
        CHECK(line->starts_with("POSITION events master "));
    }

    std::vector<Step> steps_;
    bool differs_;
    bool keeps_time_;
    asio::io_context io_;
    core::SystemClock clock_;
    Positions positions_;
    ReplicationCommandHandler handler_;
    std::optional<TcpServer> server_;
    std::optional<RawPeer> peer_;
    std::optional<RawPeer> other_;
    std::set<std::pair<std::string, std::int64_t>> published_;
    std::size_t awaited_positions_ = 0;
    std::size_t at_ = 0;
    bool closed_ = false;
};

/// Our worker in a recorded worker's place: a real socket between it and the recorded master's lines.
void replay_worker(const std::vector<WorkerStep>& steps) {
    asio::io_context io;
    core::SystemClock clock;
    Positions positions;
    auto options = handler_options("");
    options.dialect = pr::Dialect::kSynapse115;
    std::string server_name;
    std::map<std::string, std::size_t> rows;
    std::map<std::string, std::int64_t> last;
    for (const auto& step : steps) {
        const auto command = pr::parse_line(step.text);
        REQUIRE(command.has_value());
        if (const auto* name = std::get_if<pr::Name>(&*command)) options.instance_name = name->name;
        if (const auto* server = std::get_if<pr::Server>(&*command)) server_name = server->server_name;
        if (const auto* sync = std::get_if<pr::UserSync>(&*command)) options.instance_id = sync->instance_id;
        if (const auto* rdata = std::get_if<pr::Rdata>(&*command)) {
            ++rows[rdata->stream];
            if (rdata->token) last[rdata->stream] = std::max(last[rdata->stream], *rdata->token);
        }
        if (const auto* position = std::get_if<pr::Position>(&*command)) {
            positions.tokens.try_emplace(position->stream, position->token);
            last[position->stream] = position->token;
        }
    }
    ReplicationCommandHandler handler{io.get_executor(), clock, options};
    for (const auto& stream : pr::kStreams) {
        handler.add_stream(positions.stream(std::string{stream.name}, {"master"}));
    }
    testing::run(io, [&]() -> Task<void> {
        asio::ip::tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
        TcpClient::Options with;
        with.server_name = server_name;
        with.address = {"127.0.0.1", acceptor.local_endpoint().port(), ""};
        TcpClient client{io.get_executor(), handler, with};
        client.start();
        RawPeer master{co_await acceptor.async_accept(asio::use_awaitable)};
        for (const auto& step : steps) {
            INFO(step.text.substr(0, 200));
            if (!step.from_worker) {
                co_await master.say(step.text + "\n");
                continue;
            }
            const auto command = *pr::parse_line(step.text);
            if (std::holds_alternative<pr::Ping>(command)) continue;  // times are our own
            const bool greets =
                std::holds_alternative<pr::Name>(command) || std::holds_alternative<pr::Replicate>(command);
            if (!greets) handler.send(command);  // what the recorded worker's users made it say
            const auto line = co_await master.content();
            REQUIRE(line);
            CHECK(*line == step.text);
        }
        CHECK(master.pings() >= 1);
        co_await until([&] { return positions.applied == rows; });
        for (const auto& [stream, token] : last) CHECK(positions.tokens[stream] == token);
        CHECK(client.state() == ClientState::kUp);
        co_await client.stop(100);
        co_await handler.stop();
    });
}

}  // namespace

TEST_CASE("our master answers each recorded protocol scenario as the real one did", "[replication][golden]") {
    const auto different = different_scenarios();
    CHECK(different == std::set<std::string>{"p07_err_blank_line", "p09_err_rdata_from_client",
                                             "p17_position_from_client", "p21_user_sync_disconnect",
                                             "p24_remote_server_up_broadcast"});
    const auto files = scenarios('p', ".txt");
    REQUIRE(files.size() >= 22);
    for (const auto& file : files) {
        const auto name = file.stem().string();
        INFO(name);
        Dialogue{file, different.contains(name)}.run();
    }
}

TEST_CASE("our worker says what the recorded workers said", "[replication][golden]") {
    auto files = scenarios('w', ".tcp.txt");
    files.push_back(transcript_folder() / "f01_federation_sender_worker.tcp.txt");
    REQUIRE(files.size() >= 5);
    for (const auto& file : files) {
        const auto name = file.stem().string();
        std::map<int, std::vector<WorkerStep>> connections;
        for (auto& step : read_worker_traffic(file)) {
            connections[step.connection].push_back(std::move(step));
        }
        REQUIRE_FALSE(connections.empty());
        for (const auto& [number, steps] : connections) {
            INFO(name << ", connection " << number);
            replay_worker(steps);
        }
    }
}
