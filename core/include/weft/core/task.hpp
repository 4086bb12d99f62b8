#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace weft {

namespace asio = boost::asio;

/// A coroutine of this codebase. It is awaited, or handed to core::BackgroundTasks: nothing runs unowned.
template <class T = void>
using Task = asio::awaitable<T>;

}  // namespace weft
