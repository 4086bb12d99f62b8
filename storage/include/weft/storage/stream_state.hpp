#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "weft/core/stream_change_cache.hpp"
#include "weft/storage/id_generator.hpp"
#include "weft/storage/writer_positions.hpp"

namespace weft::storage {

/// A replication row as JSON (an array), see proto/replication/rows.hpp.
using StreamRows = std::vector<boost::json::value>;

/// One stream as this process sees it: the newest visible token of each writer, who wants to know of rows,
/// and, in a process that writes it, the ID generator. Rows reach it by one door whether they were written
/// here or came over replication, so caches and waiters are treated alike in every process. The order is the
/// invariant everything rests on: caches are invalidated, then the position becomes visible, then those who
/// wait are told; a process that reports position N holds nothing older than N. Logic thread only.
class StreamState {
public:
    using RowsFunction = std::function<void(std::int64_t token, const StreamRows& rows)>;
    using PositionFunction = std::function<void(const std::string& instance, std::int64_t token)>;
    using ObserveFunction =
        std::function<void(const std::string& instance, std::int64_t token, const StreamRows& rows)>;
    using PublishFunction = std::function<void(std::int64_t token, const StreamRows& rows)>;

    /// `self` is this process; `writers` are the instances that write the stream.
    StreamState(std::string name, std::string self, std::vector<std::string> writers);
    ~StreamState();
    StreamState(const StreamState&) = delete;
    StreamState& operator=(const StreamState&) = delete;

    const std::string& name() const { return name_; }
    const std::string& self() const { return self_; }
    const std::vector<std::string>& writers() const { return writers_; }
    bool is_writer() const;

    /// Before seed(): this stream and `other` take their tokens from one counter, as account data and tags
    /// do. Each keeps its own rows and position (catch-up is per stream); in the writer they are announced in
    /// one order.
    void share_ids_with(StreamState& other);

    /// Start-up: the newest token in the database of each writer. In a writer this also makes the generator.
    /// With step -1 (backfill) the IDs that allocate() hands out are negative and fall; tokens are `id *
    /// step`, so they always grow.
    void seed(const std::map<std::string, std::int64_t>& positions, std::int64_t step = 1);
    /// Start-up of a single-writer stream.
    void seed(std::int64_t position, std::int64_t step = 1);

    /// The newest token whose rows, and all rows before, are visible here. With several writers: the greatest
    /// of them.
    std::int64_t current() const;
    /// 0 for an instance that is not known.
    std::int64_t position(const std::string& instance) const;
    const std::map<std::string, std::int64_t>& positions() const { return positions_; }
    /// Where all writers are: what a client's token holds.
    WriterPositions writer_positions() const { return WriterPositions{positions_}; }
    /// A writer that was not known until now: it has written nothing yet that others' positions reach beyond.
    void know(const std::string& instance);
    /// The newest token up to which this stream *and* those it shares IDs with are visible here: what a
    /// client's token may hold where it has one number for all of them. Rows arrive in the writer's order, so
    /// a stream that is not behind has nothing before a row that another of them got.
    std::int64_t shared_current() const;
    /// The connection to the writer was lost, or rows are being read from the database: rows of this stream
    /// may be missing before those that others have. False once it has caught up. Only matters to
    /// shared_current(), and to those who are told of rows: while shared_current() is below a row's token they
    /// wait.
    void set_behind(bool behind);
    bool behind() const { return behind_; }

    /// The writing half; only where is_writer().
    StreamIdGenerator::Allocation allocate(std::size_t count = 1);
    /// Tokens that came from the database's sequence, for allocate(): see StreamIdGenerator.
    void supply(const std::vector<std::int64_t>& ids);
    std::size_t supplied() const;
    void drop_supply();
    /// Nothing of ours is or will be between our position and `token`, and all may know. False while something is under way.
    bool skip_to(std::int64_t token);
    /// The transaction behind `allocation` has committed and produced these rows; the first of each pair is
    /// the ID out of the allocation. They are applied and announced once nothing lower is open. IDs without a
    /// row are given up.
    void publish(StreamIdGenerator::Allocation allocation,
                 std::vector<std::pair<std::int64_t, boost::json::value>> rows);

    /// Rows of this process whose token a database sequence gave (caches): applied and announced at once.
    void announce(std::int64_t token, const StreamRows& rows);

    /// Rows of one token from `instance`, in order: invalidates, moves the position, notifies. A token that
    /// is not newer does the same but moves nothing; whoever wants each row once does not hand it in twice.
    void apply(const std::string& instance, std::int64_t token, const StreamRows& rows);
    /// `instance` says it has nothing (more) up to `token`.
    void advance(const std::string& instance, std::int64_t token);
    /// The writer was restarted and counts from `token` again (streams in memory).
    void rewind(const std::string& instance, std::int64_t token);

    /// Stores register here: called before the position moves.
    void on_invalidate(RowsFunction function) { invalidate_.push_back(std::move(function)); }
    /// Handlers register here: called after the position moved. Exceptions are logged, never passed on.
    void on_notify(RowsFunction function) { notify_.push_back(std::move(function)); }
    /// Called after each move of a position, with or without rows (waiters for a position).
    void on_advanced(PositionFunction function) { advanced_.push_back(std::move(function)); }
    /// The writer's way out to replication: called once a token, in order, after local application.
    void set_publisher(PublishFunction function) { publisher_ = std::move(function); }
    /// For debugging: sees every row once it is applied, and who wrote it.
    void set_observer(ObserveFunction function) { observer_ = std::move(function); }

    /// Which entity changed when; the stores feed it in their invalidation function.
    core::StreamChangeCache& changes() { return changes_; }
    const core::StreamChangeCache& changes() const { return changes_; }

private:
    struct IdSpace;

    void move_position(const std::string& instance, std::int64_t token);
    /// Tells of rows that waited for shared_current(), as far as it has come.
    static void tell_held(IdSpace& space);
    void invalidate(std::int64_t token, const StreamRows& rows);
    void notify(std::int64_t token, const StreamRows& rows);
    void observe(const std::string& instance, std::int64_t token, const StreamRows& rows) const {
        if (observer_) observer_(instance, token, rows);
    }
    void send(std::int64_t token, const StreamRows& rows);
    static void drain(const std::shared_ptr<IdSpace>& space);

    std::string name_;
    std::string self_;
    std::vector<std::string> writers_;
    std::map<std::string, std::int64_t> positions_;
    std::shared_ptr<IdSpace> ids_;  // alone in it, unless shared
    bool behind_ = false;
    std::int64_t complete_upto_ = 0;  // nothing of this stream was missing up to here when it fell behind
    std::vector<RowsFunction> invalidate_;
    std::vector<RowsFunction> notify_;
    std::vector<PositionFunction> advanced_;
    PublishFunction publisher_;
    ObserveFunction observer_;
    core::StreamChangeCache changes_{0};
};

/// Caches that other processes may ask to be invalidated, by the name they have on the `caches` stream.
class CacheRegistry {
public:
    /// `keys` are the cached method's arguments in order.
    using Invalidate = std::function<void(const std::vector<std::string>& keys)>;

    void add(std::string name, Invalidate one, std::function<void()> all);
    /// Unknown names are ignored: another version of the server may have caches that we do not.
    void invalidate(const std::string& name, const std::vector<std::string>& keys) const;
    void invalidate_all(const std::string& name) const;

private:
    struct Entry {
        Invalidate one;
        std::function<void()> all;
    };
    std::multimap<std::string, Entry> entries_;
};

}  // namespace weft::storage
