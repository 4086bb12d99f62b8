#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// One libpqxx connection and the statements prepared on it. Used by one thread at a time. Everything it
/// throws is a StoreError: TransientFailure, UniqueViolation, or a plain one that names the statement.
class Connection {
public:
    Connection(const std::string& connection_string, const std::string& application_name);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// False if it is known to be dead: the server may have closed it while it was idle.
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

private:
    struct Impl;
    template <class Function>
    auto guarded(std::string_view statement, const Function& function);

    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::storage
