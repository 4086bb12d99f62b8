#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/metrics.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/storage/presence_store.hpp"
#include "weft/storage/stream_state.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::handlers {

/// What other servers are to be sent and no table holds: presence and ephemeral messages. The rows of the
/// `federation` stream, kept by its writer until the process that sends to other servers has acknowledged
/// them. What replaces something older takes its place in the queue, so a sender that was away gets the
/// newest of each. Nothing is kept for ever: without a sender it goes after five minutes. Logic thread only.
class FederationQueue {
public:
    struct Limits {
        std::int64_t kept_ms = 5 * 60'000;
        /// Beyond, the oldest rows go.
        std::size_t rows_max = 100'000;
    };

    /// This process is the writer of `federation`.
    FederationQueue(asio::any_io_executor executor, const core::Clock& clock,
                    storage::StreamState& federation);
    FederationQueue(asio::any_io_executor executor, const core::Clock& clock,
                    storage::StreamState& federation, Limits limits);

    /// Local users' presence, for every server that shares a room with them. One token for all.
    void send_presence(const std::vector<storage::PresenceState>& states);
    /// The same for these servers only, whether it has changed or not.
    void send_presence_to(const storage::PresenceState& state, std::vector<std::string> hosts);
    void send_edu(const proto::replication::FederationEdu& edu);
    /// Replaces an earlier message for the same server with the same key, e.g. typing by [room, user].
    void send_keyed_edu(const proto::replication::FederationKeyedEdu& edu);

    /// A sender has seen to everything up to `token`. What lies before is dropped; the row of `token` itself
    /// stays, and is sent again to a sender that starts anew. With several senders (by instance name) the one
    /// that is furthest behind counts.
    void acknowledge(const std::optional<std::string>& instance, std::int64_t token);

    /// Rows in (from, to], all of a token together. A `from` above everything comes from before our start:
    /// such a sender gets all there is.
    storage::StreamUpdates updates(std::int64_t from, std::int64_t to, std::size_t limit) const;

    std::size_t rows() const { return rows_; }
    /// Drops what is too old; happens by itself while there is anything.
    void expire();
    Task<void> stop();

private:
    struct Item {
        boost::json::value row;
        std::string replaces;  // empty: nothing
    };
    struct Entry {
        std::int64_t queued_ms = 0;
        std::vector<Item> items;
    };

    void put(std::vector<Item> items);
    /// Keeps the metrics of Synapse's names: how many rows of each kind wait, under how many tokens.
    void count(const Item& item, double by);
    void count_tokens();
    void drop_replaced(const std::string& key);
    void drop_oldest();
    Task<void> expire_from_time_to_time();

    const core::Clock& clock_;
    storage::StreamState& stream_;
    Limits limits_;
    std::map<std::int64_t, Entry> by_token_;
    std::unordered_map<std::string, std::int64_t> newest_;  // of what replaces: where it is
    std::size_t rows_ = 0;
    std::map<std::string, core::Gauge> sizes_;  // by the type of row
    core::Gauge tokens_;
    std::map<std::string, std::int64_t> acknowledged_;
    bool expiring_ = false;
    core::BackgroundTasks tasks_;
};

}  // namespace weft::handlers
