#pragma once

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/libpq.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/store_error.hpp"

namespace weft::storage {

/// A failure after which the same transaction may be tried again.
class TransientFailure : public StoreError {
public:
    enum class Kind {
        kConflict,    // serialization failure or deadlock: nothing happened
        kDisconnect,  // the connection is gone; what was under way may have happened
    };
    TransientFailure(Kind what, const std::string& text) : StoreError{text}, kind{what} {}
    const Kind kind;
};

/// One libpq connection and the statements prepared on it. Used by one thread at a time. Everything it throws
/// is a StoreError: TransientFailure, UniqueViolation, LeaseLost, or a plain one that names the statement.
///
/// A statement is either executed, and the thread waits for its answer, or started: then whoever started it
/// waits for the socket, calls advance() whenever that is ready, and takes the answer with finish().
class Connection {
public:
    Connection(const std::string& connection_string, const std::string& application_name);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// False if it is open no more, or something is under way on it that nobody waits for.
    bool reusable() const;
    /// False if the server has closed it while it was idle.
    bool usable() const;

    void begin();
    /// Fails if a statement of the transaction has failed, also if the caller caught that.
    void commit();
    /// Never throws; a connection that cannot roll back is not usable afterwards.
    void rollback() noexcept;

    /// Prepares the statement on its first use here.
    Rows execute(const Sql& sql, const std::vector<Param>& params);
    /// Statements without parameters, unprepared.
    void execute_script(const std::string& sql);

    /// What a started statement waits for.
    enum class Awaits { kReadable, kWritable, kNothing };
    /// Sends the statement (and first prepares it) without waiting. `params` must stay until finish().
    void start(const Sql& sql, const std::vector<Param>& params);
    /// Sends and receives what can be without waiting.
    Awaits advance();
    /// The answer to what was started; waits for what is missing of it.
    Rows finish();
    /// A descriptor of the socket to wait on, the connection's own.
    int descriptor() const { return descriptor_; }

private:
    struct Started;

    bool is_prepared(const Sql& sql) const;
    void send();
    void send_prepared();
    bool drain();
    void run(std::string_view what, const char* text);
    template <class Function>
    auto remembering_failure(const Function& function);

    PgConnection connection_;
    int descriptor_ = -1;
    std::map<std::string, std::string_view, std::less<>> prepared_;  // name -> text
    std::unique_ptr<Started> started_;
    std::exception_ptr failure_;  // of the transaction under way
    bool in_transaction_ = false;
};

}  // namespace weft::storage
