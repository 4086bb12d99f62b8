#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "weft/core/task.hpp"
#include "weft/proto/replication/streams.hpp"

namespace weft::replication {

namespace json = boost::json;
using proto::replication::StreamKey;

/// The rows of one token, in order.
using Rows = std::vector<json::value>;

/// One row and its token.
struct Update {
    std::int64_t token = 0;
    json::value row;
};

/// A page of a stream: rows sorted by token; a token that occurs is complete.
struct Updates {
    std::vector<Update> rows;
    /// Everything in (from, upto] is in `rows`.
    std::int64_t upto = 0;
    /// There is more: ask again from `upto`.
    bool limited = false;
    /// In memory: the token that the writer began with when it was started. What it wrote in an earlier life
    /// is gone. 0: it does not say.
    std::int64_t begins = 0;
};

/// What the process that composes the cluster lends to a stream: stores know nothing of replication, and
/// replication nothing of stores. All functions run on the logic thread.
struct StreamBindings {
    /// The newest token such that everything `instance` wrote up to it is visible here. For an instance never
    /// heard of: the newest token of anybody that was visible when this process started.
    std::function<std::int64_t(const std::string& instance)> current_token;
    /// Rows written by `instance` in (from, upto], about `limit` of them. May throw: it is asked again later.
    std::function<Task<Updates>(std::string instance, std::int64_t from, std::int64_t upto,
                                std::size_t limit)>
        updates;
    /// Rows of one token arrived: invalidate caches, publish the position, tell who waits, in this order.
    std::function<void(const std::string& instance, std::int64_t token, const Rows& rows)> apply;
    /// Nothing more up to `token`.
    std::function<void(const std::string& instance, std::int64_t token)> advance;
    /// The writer of an in-memory stream started again and counts from `token`: forget its rows. May be
    /// empty.
    std::function<void(const std::string& instance, std::int64_t token)> rewind;
    /// False: all rows of `instance` are here and come as they are written. True: that has ended, the
    /// connection was lost or rows have to be fetched. Called for each change; nobody has caught up to begin
    /// with. May be empty.
    std::function<void(const std::string& instance, bool behind)> set_behind;
};

/// One stream, the same class in every process: an ordered sequence of rows with integer tokens, and who
/// writes it. Lives on the logic thread, as long as the command handler.
class Stream {
public:
    struct Options {
        /// Page size asked of `updates`.
        std::size_t rows_per_page = 1000;
    };

    /// `writers` are the configured writers; a process not named there may write too (caches).
    Stream(std::string name, std::vector<std::string> writers, StreamBindings bindings);
    Stream(std::string name, std::vector<std::string> writers, StreamBindings bindings, Options options);

    const std::string& name() const { return name_; }
    const std::vector<std::string>& writers() const { return writers_; }
    bool has_writer(const std::string& instance) const;
    /// Missed rows are fetched by RPC from the instance that POSITION names.
    bool in_memory() const { return source_ == proto::replication::StreamSource::kMemory; }
    const Options& options() const { return options_; }

    std::int64_t current_token(const std::string& instance) const {
        return bindings_.current_token(instance);
    }
    Task<Updates> updates(std::string instance, std::int64_t from, std::int64_t upto,
                          std::size_t limit) const {
        return bindings_.updates(std::move(instance), from, upto, limit);
    }
    void apply(const std::string& instance, std::int64_t token, const Rows& rows) const {
        bindings_.apply(instance, token, rows);
    }
    void advance(const std::string& instance, std::int64_t token) const {
        bindings_.advance(instance, token);
    }
    void rewind(const std::string& instance, std::int64_t token) const {
        if (bindings_.rewind) bindings_.rewind(instance, token);
    }
    void set_behind(const std::string& instance, bool behind) const {
        if (bindings_.set_behind) bindings_.set_behind(instance, behind);
    }

private:
    std::string name_;
    std::vector<std::string> writers_;
    StreamBindings bindings_;
    Options options_;
    proto::replication::StreamSource source_ = proto::replication::StreamSource::kDatabase;
};

}  // namespace weft::replication
