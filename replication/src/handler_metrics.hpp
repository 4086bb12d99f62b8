#pragma once

#include <chrono>
#include <map>
#include <string>

#include "weft/core/metrics.hpp"
#include "weft/replication/stream.hpp"

namespace weft::replication {

/// How often something was done, and how long it took in all, as Synapse counts what it measures.
class BlockMetrics {
public:
    explicit BlockMetrics(const std::string& name)
        : count_{core::counter("synapse_util_metrics_block_count", "Blocks that were measured",
                               {{"block_name", name}})},
          seconds_{core::counter("synapse_util_metrics_block_time_seconds", "Time spent in them, waiting included",
                                 {{"block_name", name}})} {}

    /// One time through the block, for as long as this lives.
    class Timer {
    public:
        explicit Timer(BlockMetrics& metrics) : metrics_{metrics} {}
        Timer(const Timer&) = delete;
        Timer& operator=(const Timer&) = delete;
        ~Timer() {
            metrics_.count_.increment();
            metrics_.seconds_.increment(
                std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count());
        }

    private:
        BlockMetrics& metrics_;
        std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    };

private:
    core::Counter count_;
    core::Counter seconds_;
};

/// The command handler's metrics; those that Synapse has too bear its names.
class HandlerMetrics {
public:
    core::Counter& rows_received(const std::string& stream) {
        return by_stream(received_, stream, "synapse_replication_tcp_protocol_inbound_rdata_count",
                         "RDATA received");
    }
    core::Counter& rows_published(const std::string& stream) {
        return by_stream(published_, stream, "synapse_replication_tcp_resource_stream_updates",
                         "Rows published");
    }

    core::Gauge connections =
        core::gauge("synapse_replication_tcp_resource_total_connections", "Connections now");
    core::Counter user_sync =
        core::counter("synapse_replication_tcp_resource_user_sync", "USER_SYNC received");
    core::Counter federation_ack =
        core::counter("synapse_replication_tcp_resource_federation_ack", "FEDERATION_ACK received");
    core::Counter remove_pusher =
        core::counter("synapse_replication_tcp_resource_remove_pusher", "REMOVE_PUSHER received");
    core::Counter user_ip =
        core::counter("synapse_replication_tcp_resource_user_ip_cache", "USER_IP received");
    core::Counter oversize =
        core::counter("weft_replication_oversize_rows_total",
                      "Tokens announced by POSITION because a row is too long for a line");
    core::Counter packets = core::counter("weft_replication_incoming_packets_total",
                                          "Packets of lines whose commands were handled");
    core::Counter packets_cpu =
        core::counter("weft_replication_incoming_cpu_seconds_total",
                      "CPU time of handling commands at once (what hooks do is counted under their names)");
    BlockMetrics get_updates{"repl.stream.get_updates"};
    BlockMetrics wait_for_stream_position{"repl.wait_for_stream_position"};
    core::Counter catch_up_failures =
        core::counter("weft_replication_catch_up_failures_total", "Fetches of missed rows that failed");

private:
    static core::Counter& by_stream(std::map<std::string, core::Counter>& cache, const std::string& stream,
                                    const char* name, const char* help) {
        const auto found = cache.find(stream);
        if (found != cache.end()) return found->second;
        return cache.emplace(stream, core::counter(name, help, {{"stream_name", stream}})).first->second;
    }

    std::map<std::string, core::Counter> received_;
    std::map<std::string, core::Counter> published_;
};

/// The gauges of one (stream, instance).
struct FeedMetrics {
    explicit FeedMetrics(const StreamKey& key)
        : connected{core::gauge("weft_replication_stream_connected", "1 if the stream has caught up",
                                labels(key))},
          position{core::gauge("weft_replication_stream_position", "Newest token applied", labels(key))},
          lag{core::gauge("weft_replication_stream_lag_tokens", "Newest token announced less that applied",
                          labels(key))},
          lag_seconds{core::gauge("weft_replication_stream_lag_seconds",
                                  "How long rows may have been missing; 0 if none can be", labels(key))} {}

    static core::Labels labels(const StreamKey& key) {
        return {{"stream", key.stream}, {"instance", key.instance}};
    }

    core::Gauge connected;
    core::Gauge position;
    core::Gauge lag;
    core::Gauge lag_seconds;
};

}  // namespace weft::replication
