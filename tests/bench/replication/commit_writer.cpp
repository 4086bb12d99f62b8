#include "commit_writer.hpp"

#include <chrono>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <boost/asio.hpp>
#include <boost/json/array.hpp>

#include "weft/core/async.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/replication/tcp_client.hpp"
#include "weft/storage/database.hpp"

namespace weft::bench {
namespace {

namespace json = boost::json;

constexpr std::string_view kName = "bench_committer";
constexpr std::int64_t kPatienceMs = 20'000;

constexpr storage::Sql kInsert{"bench_insert_rows", R"sql(
    INSERT INTO cache_invalidation_stream_by_instance (stream_id, instance_name, cache_func, keys, invalidation_ts)
    SELECT nextval('cache_invalidation_stream_seq'), $1, 'get_user_by_id', ARRAY['@bench:example.com'], $2
    FROM generate_series(1, $3::int) RETURNING stream_id)sql"};

std::int64_t system_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

class CommitWriter {
public:
    explicit CommitWriter(const CommitLoad& load)
        : load_{load},
          db_{{fmt::format("host={} user={} dbname={}", load.host, load.user, load.database), 2},
              "weft bench",
              io_.get_executor()},
          handler_{io_.get_executor(), clock_, {.instance_name = std::string{kName}, .instance_id = "bench"}},
          client_{io_.get_executor(),
                  handler_,
                  {.server_name = load.server_name, .address = {"127.0.0.1", load.port, ""}}} {
        replication::StreamBindings bindings;
        bindings.current_token = [this](const std::string& instance) {
            return instance == kName ? position_ : 0;
        };
        bindings.updates = [](std::string, std::int64_t, std::int64_t upto,
                              std::size_t) -> Task<replication::Updates> {
            co_return replication::Updates{{}, upto, false};
        };
        bindings.apply = [](const std::string&, std::int64_t, const replication::Rows&) {};
        bindings.advance = [](const std::string&, std::int64_t) {};
        handler_.add_stream(replication::Stream{"caches", {std::string{kName}}, std::move(bindings)});
    }

    json::object run() {
        std::exception_ptr failure;
        asio::co_spawn(io_, write(), [&](std::exception_ptr thrown) {
            failure = thrown;
            io_.stop();
        });
        io_.run();
        if (failure) std::rethrow_exception(failure);
        return {{"rows", commits_.size()}, {"seconds", seconds_}, {"commits", std::move(commits_)}};
    }

private:
    Task<void> write() {
        co_await db_.query(kFirst);
        client_.start();
        for (std::int64_t waited = 0; client_.state() != replication::ClientState::kUp; waited += 10) {
            if (waited > kPatienceMs) throw std::runtime_error{"no connection: " + client_.last_error()};
            co_await core::sleep_for(core::Milliseconds{10});
        }
        const auto begin = clock_.monotonic_ms();
        std::int64_t written = 0;
        while (true) {
            const auto elapsed = static_cast<double>(clock_.monotonic_ms() - begin) / 1000;
            if (elapsed >= load_.seconds) break;
            const auto due = static_cast<std::int64_t>(elapsed * load_.rate) - written;
            if (due > 0) {
                co_await commit(due);
                written += due;
            } else {
                co_await core::sleep_for(core::Milliseconds{1});
            }
        }
        seconds_ = static_cast<double>(clock_.monotonic_ms() - begin) / 1000;
        co_await core::sleep_for(core::Milliseconds{500});  // the last rows leave
        co_await client_.stop(1'000);
        co_await handler_.stop();
    }

    Task<void> commit(std::int64_t count) {
        const auto now = clock_.now_ms();
        const auto rows = co_await db_.query(kInsert, kName, now, count);
        const auto committed = system_us();
        for (const auto row : rows) {
            const auto token = row[0].i64();
            commits_.push_back(json::array{token, committed});
            position_ = token;
            handler_.publish("caches", token,
                             {proto::replication::CachesRow{
                                 "get_user_by_id", std::vector<std::string>{"@bench:example.com"}, now}
                                  .to_json()});
        }
    }

    static constexpr storage::Sql kFirst{"bench_first", "SELECT 1"};

    CommitLoad load_;
    asio::io_context io_{1};
    core::SystemClock clock_;
    storage::Database db_;
    replication::ReplicationCommandHandler handler_;
    replication::TcpClient client_;
    std::int64_t position_ = 0;
    double seconds_ = 0;
    json::array commits_;
};

}  // namespace

boost::json::object write_and_announce(const CommitLoad& load) {
    return CommitWriter{load}.run();
}

}  // namespace weft::bench
