#pragma once

#include <map>
#include <optional>
#include <string>

#include "weft/core/metrics.hpp"

namespace weft::replication {

/// The metrics of one connection, under the peer's name; those that Synapse has too bear its names.
class LinkMetrics {
public:
    explicit LinkMetrics(std::string name) : name_{std::move(name)} {}

    /// The peer said who it is.
    void rename(std::string name) {
        name_ = std::move(name);
        inbound_.clear();
        outbound_.clear();
        gauges_.reset();
    }

    void received(std::string_view command, double count = 1) {
        by_command(inbound_, command, "synapse_replication_tcp_protocol_inbound_commands",
                   "Commands received")
            .increment(count);
    }
    void sent(std::string_view command, double count = 1) {
        if (count == 0) return;
        by_command(outbound_, command, "synapse_replication_tcp_protocol_outbound_commands", "Commands sent")
            .increment(count);
    }
    /// `pending` lines of this connection alone; bytes waiting in us, in the kernel's send and in its read
    /// buffer.
    void sample(double pending_bytes, double kernel_send_bytes, double kernel_read_bytes) {
        if (!gauges_) gauges_.emplace(name_);
        gauges_->pending.set(pending_bytes > 0 ? 1 : 0);
        gauges_->send_buffer.set(pending_bytes);
        gauges_->kernel_send.set(kernel_send_bytes);
        gauges_->kernel_read.set(kernel_read_bytes);
    }
    void fell_off() {
        core::counter("weft_replication_slow_consumer_total", "Times a connection lost its place in the log",
                      {{"name", name_}})
            .increment();
    }
    static void closed(std::string_view reason) {
        core::counter("synapse_replication_tcp_protocol_close_reason", "Connections closed",
                      {{"reason_type", std::string{reason}}})
            .increment();
    }

private:
    using Cache = std::map<std::string, core::Counter, std::less<>>;
    struct Gauges {
        explicit Gauges(const std::string& name)
            : pending{make("synapse_replication_tcp_protocol_pending_commands", "Commands wait to be sent",
                           name)},
              send_buffer{make("synapse_replication_tcp_protocol_transport_send_buffer",
                               "Bytes wait to be sent", name)},
              kernel_send{make("synapse_replication_tcp_protocol_transport_kernel_send_buffer",
                               "Bytes in the kernel's send buffer", name)},
              kernel_read{make("synapse_replication_tcp_protocol_transport_kernel_read_buffer",
                               "Bytes in the kernel's read buffer", name)} {}
        static core::Gauge make(const char* metric, const char* help, const std::string& name) {
            return core::gauge(metric, help, {{"name", name}});
        }
        core::Gauge pending;
        core::Gauge send_buffer;
        core::Gauge kernel_send;
        core::Gauge kernel_read;
    };

    core::Counter& by_command(Cache& cache, std::string_view command, const char* metric, const char* help) {
        const auto found = cache.find(command);
        if (found != cache.end()) return found->second;
        const std::string label{command};
        return cache.emplace(label, core::counter(metric, help, {{"command", label}, {"name", name_}}))
            .first->second;
    }

    std::string name_;
    Cache inbound_;
    Cache outbound_;
    std::optional<Gauges> gauges_;
};

}  // namespace weft::replication
