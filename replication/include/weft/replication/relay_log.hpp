#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weft/replication/feed.hpp"
#include "weft/replication/shared_text.hpp"

namespace weft::replication {

class RelayCursor;

/// The append-only log of encoded lines that all connections of a process send from. Lines are written once,
/// into shared chunks; a connection is a cursor. Chunks that everybody has read go; beyond the bound they go
/// unread, and who still needed them has fallen off. Logic thread only.
class RelayLog {
public:
    struct Options {
        std::size_t chunk_bytes = 64 * 1024;
        std::size_t bytes_max = 8 * 1024 * 1024;
        /// From so many connections on it pays to let the kernel share the pages. Such chunks are larger:
        /// each costs a few calls of the kernel.
        std::size_t cursors_for_files = 16;
        std::size_t file_chunk_bytes = 256 * 1024;
    };
    using FeedId = std::uint32_t;

    /// A (stream, instance) that is written to the log.
    struct FeedInfo {
        StreamKey key;
        std::int64_t token = 0;        // of the newest POSITION or RDATA in the log
        std::uint64_t last_entry = 0;  // number of its newest entry; 0: none yet
        LinkId origin = 0;             // the connection it came in by; 0: written here
    };

    RelayLog() : RelayLog(Options{}) {}
    explicit RelayLog(Options options) : options_{options} {}
    RelayLog(const RelayLog&) = delete;
    RelayLog& operator=(const RelayLog&) = delete;

    FeedId feed(const StreamKey& key);
    const FeedInfo& info(FeedId feed) const { return feeds_[feed]; }
    /// The feed's ID, or nothing if the log has never seen it.
    std::optional<FeedId> find(const StreamKey& key) const;
    const std::vector<FeedInfo>& feeds() const { return feeds_; }

    /// Appends complete lines (each with its line feed): the rows of one token of one feed, or a POSITION. It
    /// is never sent to `origin`. `token` is the feed's token once they are out.
    void append(FeedId feed, std::int64_t token, LinkId origin, std::string_view lines);
    /// Appends a line that belongs to no stream (REMOTE_SERVER_UP).
    void append_other(LinkId origin, std::string_view lines);

    /// Number of the entry that comes next.
    std::uint64_t end() const { return next_entry_; }
    /// Number of the oldest entry still held.
    std::uint64_t begin() const;
    std::size_t bytes() const { return bytes_; }

private:
    friend class RelayCursor;
    static constexpr FeedId kNoFeed = ~FeedId{0};
    struct Entry {
        std::uint32_t end = 0;  // offset in the chunk; it begins where the one before ends
        FeedId feed = kNoFeed;
        LinkId origin = 0;
        // Of the chunk up to here.
        std::uint32_t rdata_lines = 0;
        std::uint32_t other_lines = 0;
    };
    struct Chunk {
        Chunk(std::size_t capacity, bool as_file) : bytes{capacity, as_file} {}
        std::uint64_t first_entry = 0;
        SharedText bytes;
        std::vector<Entry> entries;
        std::vector<LinkId> origins;  // each once: the connections that do not get all of it
    };
    void append_entry(FeedId feed, LinkId origin, std::string_view lines);
    void trim();

    Options options_;
    std::deque<std::shared_ptr<Chunk>> chunks_;
    std::vector<FeedInfo> feeds_;
    std::map<StreamKey, FeedId> ids_;
    std::vector<const RelayCursor*> cursors_;
    std::uint64_t next_entry_ = 1;
    std::size_t bytes_ = 0;
};

/// Where one connection stands in the log, and which streams it wants. Starts at the log's end.
class RelayCursor {
public:
    /// Pieces of text, and what keeps them alive.
    struct Gathered {
        std::vector<std::string_view> pieces;
        std::vector<const SharedText*> sources;  // what each piece is part of
        std::vector<std::shared_ptr<const void>> owners;
        std::size_t bytes = 0;
        std::uint64_t rdata_lines = 0;
        std::uint64_t other_lines = 0;
    };

    /// The log must outlive it.
    RelayCursor(RelayLog& log, LinkId link);
    ~RelayCursor();
    RelayCursor(const RelayCursor&) = delete;
    RelayCursor& operator=(const RelayCursor&) = delete;

    /// Names of the streams to send; empty means all.
    void subscribe(std::set<std::string> streams);

    /// Entries that the log dropped before this cursor read them.
    bool has_fallen_off() const { return next_entry_ < log_->begin(); }
    /// Gives up what was missed: moves to the end and returns the feeds that had something in between. One
    /// POSITION for each makes the peer catch up.
    std::vector<RelayLog::FeedId> skip_to_end();
    bool at_end() const { return next_entry_ >= log_->end(); }
    /// Adds entries up to about `bytes_max` to `out` and moves on.
    void gather(std::size_t bytes_max, Gathered& out);

private:
    friend class RelayLog;
    bool wants_feed(RelayLog::FeedId feed);
    bool wants_all_of(const RelayLog::Chunk& chunk) const;
    void gather_entries(const RelayLog::Chunk& chunk, std::size_t bytes_max, Gathered& out);

    RelayLog* log_;
    LinkId link_;
    std::uint64_t next_entry_;
    std::set<std::string> streams_;
    std::vector<char> wanted_;  // by feed; extended as feeds appear
};

}  // namespace weft::replication
