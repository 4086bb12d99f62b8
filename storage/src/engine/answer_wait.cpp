#include "engine/answer_wait.hpp"

#include <boost/asio/compose.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace weft::storage {

namespace {

/// How often more of an answer may come; PostgreSQL sends some 8 KiB at once.
constexpr int kWakesMax = 16;

using Descriptor = asio::posix::stream_descriptor;

/// A connection's descriptor while somebody waits on it; stays the connection's.
class WaitedOn {
public:
    WaitedOn(const asio::any_io_executor& executor, int descriptor) : descriptor_{executor, descriptor} {}
    ~WaitedOn() { descriptor_.release(); }
    WaitedOn(const WaitedOn&) = delete;
    WaitedOn& operator=(const WaitedOn&) = delete;

    Descriptor& get() { return descriptor_; }

private:
    Descriptor descriptor_;
};

/// The composed operation: goes on whenever the socket is ready.
class Advance {
public:
    Advance(Connection& connection, Descriptor& socket, Connection::Awaits first)
        : connection_{connection}, socket_{socket}, awaits_{first} {}

    template <class Self>
    void operator()(Self& self, boost::system::error_code = {}) {
        if (wakes_++ == 0) {
            self.reset_cancellation_state(asio::disable_cancellation());
        } else {
            awaits_ = connection_.advance();
        }
        if (awaits_ == Connection::Awaits::kNothing) return self.complete(true);
        if (wakes_ > kWakesMax) return self.complete(false);
        const bool writes = awaits_ == Connection::Awaits::kWritable;
        socket_.async_wait(writes ? Descriptor::wait_write : Descriptor::wait_read, std::move(self));
    }

private:
    Connection& connection_;
    Descriptor& socket_;
    Connection::Awaits awaits_;
    int wakes_ = 0;
};

}  // namespace

Task<bool> answer_has_come(Connection& connection, asio::any_io_executor executor) {
    const auto first = connection.advance();
    if (first == Connection::Awaits::kNothing) co_return true;
    WaitedOn socket{executor, connection.descriptor()};
    co_return co_await asio::async_compose<const asio::use_awaitable_t<>, void(bool)>(
        Advance{connection, socket.get(), first}, asio::use_awaitable, socket.get());
}

}  // namespace weft::storage
