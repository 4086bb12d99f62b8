#pragma once

#include <memory>

#include <libpq-fe.h>

namespace weft::storage {

struct PgFinish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct PgClear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using PgConnection = std::unique_ptr<PGconn, PgFinish>;
using PgResult = std::unique_ptr<PGresult, PgClear>;

}  // namespace weft::storage
