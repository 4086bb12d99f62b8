#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "engine/connection.hpp"
#include "weft/core/task.hpp"

namespace weft::storage {

/// Waits, on the logic thread, for the answer to what was started on the connection. True: it is complete, or
/// has failed, and finish() does not wait. False: it is a long one, and reading on would keep others waiting;
/// finish() is then for another thread. Is not cancelled: what was sent may change the database, and somebody
/// has to hear of it.
Task<bool> answer_has_come(Connection& connection, asio::any_io_executor executor);

}  // namespace weft::storage
