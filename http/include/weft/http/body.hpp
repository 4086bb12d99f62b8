#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "weft/core/task.hpp"

namespace weft::http {

/// A body that is passed on while it arrives or is read, so that a large one is never in memory as a whole. One
/// reader, who asks for the next piece when it is done with the last: that is the backpressure.
class BodyStream {
public:
    BodyStream() = default;
    virtual ~BodyStream() = default;
    BodyStream(const BodyStream&) = delete;
    BodyStream& operator=(const BodyStream&) = delete;

    /// The next piece, never empty but at the end. Throws if the body cannot be had to its end: the body of a
    /// request throws MatrixError (M_TOO_LARGE over the endpoint's limit, M_UNKNOWN where it breaks off).
    virtual Task<std::string> next() = 0;
    /// Bytes of the whole body, if they are known beforehand.
    virtual std::optional<std::uint64_t> length() const = 0;
};
using BodyStreamPtr = std::shared_ptr<BodyStream>;

/// A body that is in memory already.
class StringBody final : public BodyStream {
public:
    explicit StringBody(std::string text) : length_{text.size()}, text_{std::move(text)} {}
    Task<std::string> next() override { co_return std::exchange(text_, {}); }
    std::optional<std::uint64_t> length() const override { return length_; }

private:
    std::uint64_t length_;
    std::string text_;
};

/// The rest of a body in one piece. Throws M_TOO_LARGE if it has more than `bytes_max`.
Task<std::string> read_all(BodyStreamPtr body, std::size_t bytes_max);

}  // namespace weft::http
