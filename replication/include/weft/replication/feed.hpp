#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "weft/replication/stream.hpp"

namespace weft::replication {

/// Identifies one connection for the life of the process: rows of an old connection never mix with a new
/// one's.
using LinkId = std::uint64_t;

/// What a Feed wants done, in this order.
struct FetchRows {
    std::uint64_t id = 0;  // of the answer that is waited for
    std::int64_t from = 0;
    std::int64_t upto = 0;
};
struct ApplyRows {
    std::int64_t token = 0;
    Rows rows;
};
struct AdvanceTo {
    std::int64_t token = 0;
};
struct RewindTo {
    std::int64_t token = 0;
};
struct RetryFetch {
    std::uint64_t id = 0;  // to be handed to on_retry
    std::int64_t delay_ms = 0;
};
struct CaughtUp {};
using FeedAction = std::variant<FetchRows, ApplyRows, AdvanceTo, RewindTo, RetryFetch, CaughtUp>;
using FeedActions = std::vector<FeedAction>;

/// Catch-up of one (stream, instance): decides what to do with the POSITION and RDATA that arrive, so that
/// each row is applied exactly once and in order. Pure: no socket, clock or database.
///
///   RDATA before the first POSITION of its connection is dropped: the POSITION will cover it.
///   POSITION above ours: fetch pages until it is reached; what arrives meanwhile waits in a bounded queue.
///     If the queue overflows it is dropped, and what it held is fetched too.
///   POSITION above ours that says there are no rows since a token that we have: nothing to fetch.
///   POSITION below ours: the writer was restarted, or somebody spoke for it who knew more than it had said;
///     it becomes the new floor (in memory: forget all and fetch anew). Rows above that were applied before
///     are recognised.
///   Rows in memory that begin above ours: the writer was restarted, forget what was there before.
///   Rows of a batch are held until the row with the token comes. A fetch that fails is retried with growing
///     delay.
class Feed {
public:
    struct Options {
        bool in_memory = false;
        /// Live rows come in the order of their tokens. With false an old token is applied again instead of
        /// being dropped as a duplicate.
        bool tokens_ascend = true;
        /// The position of the beginning was read from the database, where a writer may have committed a
        /// token while a lower one was still open. So many tokens before the first POSITION are fetched once
        /// more.
        std::int64_t unsure_tokens = 0;
        std::size_t recent_tokens_max = 1'000;
        std::size_t queued_rows_max = 10'000;
        std::size_t queued_bytes_max = 8 * 1024 * 1024;
        std::int64_t retry_delay_min_ms = 100;
        std::int64_t retry_delay_max_ms = 5'000;
    };

    /// `position` is the newest token that is visible already.
    Feed(std::int64_t position, Options options)
        : position_{position}, options_{options}, latest_{position} {}

    /// With `previous`: there are no rows in (previous, token].
    FeedActions on_position(LinkId link, std::int64_t token,
                            std::optional<std::int64_t> previous = std::nullopt);
    /// `row_bytes` counts against the queue's bound.
    FeedActions on_row(LinkId link, std::optional<std::int64_t> token, json::value row,
                       std::size_t row_bytes);
    FeedActions on_fetched(std::uint64_t id, Updates updates);
    FeedActions on_fetch_failed(std::uint64_t id);
    FeedActions on_retry(std::uint64_t id);
    void on_link_lost(LinkId link);

    /// The token up to which rows were applied; also the floor below which rows are duplicates.
    std::int64_t position() const { return position_; }
    /// The newest token we were told of.
    std::int64_t latest() const { return latest_; }
    /// A connection's POSITION was reached and its rows are applied as they come.
    bool connected() const { return connected_; }
    /// The connection the feed listens to.
    std::optional<LinkId> link() const { return link_; }
    std::size_t queued_rows() const { return queue_.size(); }
    std::uint64_t duplicates() const { return duplicates_; }
    std::uint64_t overflows() const { return overflows_; }

private:
    struct QueuedRow {
        std::optional<std::int64_t> token;
        json::value row;
        std::size_t bytes = 0;
    };
    struct QueuedPosition {
        std::int64_t token = 0;
        std::optional<std::int64_t> previous;
    };

    void run_queue(FeedActions& actions);
    void take_position(const QueuedPosition& position, FeedActions& actions);
    void start_catch_up(std::int64_t target, FeedActions& actions);
    void begin_anew(FeedActions& actions);
    void request(FeedActions& actions);
    void finish_catch_up(FeedActions& actions);
    void accept(QueuedRow row, FeedActions& actions);
    bool is_new(std::int64_t token, const Rows& rows);
    void drop_queue();
    bool busy() const { return fetch_id_.has_value(); }

    std::int64_t position_;
    Options options_;
    std::int64_t latest_;
    std::optional<LinkId> link_;
    bool connected_ = false;
    bool has_caught_up_ = false;  // and nobody was told
    bool has_heard_position_ = false;
    std::deque<std::variant<QueuedRow, QueuedPosition>> queue_;
    std::size_t queued_bytes_ = 0;
    Rows batch_;
    std::size_t batch_bytes_ = 0;
    bool overflowed_ = false;       // rows were dropped: go on to latest_ before listening again
    bool batch_is_broken_ = false;  // a part of the batch was dropped: its token has to be fetched
    bool last_row_was_open_ = false;
    std::optional<std::uint64_t> fetch_id_;
    std::uint64_t next_fetch_id_ = 1;
    std::map<std::int64_t, std::size_t> recent_;  // tokens applied last, and a hash of their rows
    std::int64_t target_ = 0;
    std::int64_t retry_delay_ms_ = 0;
    std::uint64_t duplicates_ = 0;
    std::uint64_t overflows_ = 0;
};

}  // namespace weft::replication
