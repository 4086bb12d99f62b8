#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "weft/core/async.hpp"
#include "weft/core/config.hpp"
#include "weft/core/metrics.hpp"
#include "weft/core/task.hpp"

namespace weft::storage {

/// An SQL statement with a name: prepared once a connection, counted under its name. Made as a constant
/// beside the method that uses it: `constexpr Sql kGetUser{"get_user", "SELECT ... WHERE name = $1"};`
struct Sql {
    std::string_view name;
    std::string_view text;
};

/// A statement parameter in PostgreSQL's text form, or NULL. Vectors become array literals for
/// `unnest($1::text[])`.
class Param {
public:
    Param(std::nullptr_t) {}
    Param(std::nullopt_t) {}
    Param(std::string_view text) : text_{std::string{text}} {}
    Param(const std::string& text) : text_{text} {}
    Param(std::string&& text) : text_{std::move(text)} {}
    Param(const char* text) : text_{text} {}
    Param(bool value) : text_{value ? "t" : "f"} {}
    template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>) Param(Int value)
        : text_{std::to_string(value)} {}
    Param(double value) : text_{std::to_string(value)} {}
    Param(const std::vector<std::string>& values);
    Param(const std::vector<std::optional<std::string>>& values);
    Param(const std::vector<std::int64_t>& values);
    Param(const std::vector<std::optional<std::int64_t>>& values);
    Param(const std::vector<bool>& values);
    template <class T>
    Param(const std::optional<T>& value) {
        if (value) *this = Param{*value};
    }

    const std::optional<std::string>& text() const { return text_; }

private:
    std::optional<std::string> text_;
};

/// One field of a result row, as PostgreSQL's text.
class Field {
public:
    explicit Field(const char* text, std::size_t size, bool null) : text_{text, size}, null_{null} {}
    bool is_null() const { return null_; }
    std::string_view view() const { return text_; }
    std::string str() const { return std::string{text_}; }
    std::optional<std::string> opt_str() const {
        return null_ ? std::nullopt : std::optional{std::string{text_}};
    }
    /// Throws StoreError if the column does not hold an integer (or is NULL).
    std::int64_t i64() const;
    std::optional<std::int64_t> opt_i64() const { return null_ ? std::nullopt : std::optional{i64()}; }
    bool boolean() const { return !null_ && !text_.empty() && (text_[0] == 't' || text_[0] == '1'); }

private:
    std::string_view text_;
    bool null_;
};

/// All rows of a statement; owns their memory, may outlive the transaction and move between threads.
class Rows {
public:
    struct Impl;
    Rows();
    explicit Rows(std::shared_ptr<const Impl> impl);

    class Row {
    public:
        Row(const Impl& impl, std::size_t index) : impl_{&impl}, index_{index} {}
        Field operator[](std::size_t column) const;

    private:
        const Impl* impl_;
        std::size_t index_;
    };
    class Iterator {
    public:
        Iterator(const Impl* impl, std::size_t index) : impl_{impl}, index_{index} {}
        Row operator*() const { return Row{*impl_, index_}; }
        Iterator& operator++() {
            ++index_;
            return *this;
        }
        bool operator!=(const Iterator& other) const { return index_ != other.index_; }

    private:
        const Impl* impl_;
        std::size_t index_;
    };

    std::size_t size() const;
    bool empty() const { return size() == 0; }
    Row operator[](std::size_t index) const { return Row{*impl_, index}; }
    Row front() const { return Row{*impl_, 0}; }
    Iterator begin() const { return {impl_.get(), 0}; }
    Iterator end() const { return {impl_.get(), size()}; }
    /// Rows an INSERT, UPDATE or DELETE touched.
    std::size_t affected() const;

private:
    std::shared_ptr<const Impl> impl_;
};

class Connection;  // one libpq connection and its prepared statements

/// A transaction on a database thread. What it hands to call_after() runs on the logic thread, only if it
/// commits.
class Transaction {
public:
    explicit Transaction(Connection& connection) : connection_{connection} {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    template <class... Params>
    Rows exec(const Sql& sql, const Params&... params) {
        return exec_params(sql, std::vector<Param>{Param(params)...});
    }
    Rows exec_params(const Sql& sql, const std::vector<Param>& params);
    /// Several statements without parameters, unprepared: for migrations only.
    void exec_script(const std::string& sql);

    /// Runs after commit, before the awaiting caller goes on: cache invalidations, stream pokes. If the
    /// transaction fails, what it holds is destroyed on the database thread. An exception is logged: the
    /// transaction has happened.
    void call_after(std::function<void()> callback) { after_commit_.push_back(std::move(callback)); }
    std::vector<std::function<void()>>& after_commit() { return after_commit_; }

private:
    Connection& connection_;
    std::vector<std::function<void()>> after_commit_;
};

class Database;

/// Where each data store is kept: `state` has the state groups, `main` everything else. Often one database is both.
struct Databases {
    Databases(Database& all) : main{all}, state{all} {}
    Databases(Database& for_main, Database& for_state) : main{for_main}, state{for_state} {}
    bool state_is_apart() const { return &main != &state; }

    Database& main;
    Database& state;
};

/// A pool of connections, and a database thread for each of them. All calls are made on the logic thread and
/// resume there.
class Database {
public:
    /// Connects lazily; `application_name` shows in pg_stat_activity.
    Database(const core::DatabaseConfig& config, std::string application_name,
             asio::any_io_executor executor);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Runs `body` in one REPEATABLE READ transaction. On a serialization failure or deadlock (SQLSTATE
    /// 40001, 40P01) or a lost connection before commit it runs again, at most 5 times: it must have no
    /// effect outside the transaction. Throws StoreError.
    template <class Body>
    Task<std::invoke_result_t<Body&, Transaction&>> run(std::string_view name, Body body) {
        using Value = std::invoke_result_t<Body&, Transaction&>;
        if constexpr (std::is_void_v<Value>) {
            std::function<void(Transaction&)> call = [&body](Transaction& txn) { body(txn); };
            co_await run_erased(std::string{name}, std::move(call));
        } else {
            std::optional<Value> value;
            std::function<void(Transaction&)> call = [&body, &value](Transaction& txn) {
                value.emplace(body(txn));
            };
            co_await run_erased(std::string{name}, std::move(call));
            co_return std::move(*value);
        }
    }

    /// One statement in its own implicit transaction: no BEGIN, no COMMIT. Needs no database thread if a
    /// connection is idle and the answer short. Retried like run() if it only reads.
    template <class... Params>
    Task<Rows> query(const Sql& sql, const Params&... params) {
        return query_params(sql, std::vector<Param>{Param(params)...});
    }
    Task<Rows> query_params(Sql sql, std::vector<Param> params);

    /// For start-up code before the event loop runs: the same on the calling thread.
    void run_blocking(const std::function<void(Transaction&)>& body);
    const core::DatabaseConfig& config() const;

    struct Impl;

private:
    Task<void> run_erased(std::string name, std::function<void(Transaction&)> body);
    std::shared_ptr<Impl> impl_;
};

}  // namespace weft::storage
