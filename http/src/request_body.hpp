#pragma once

#include <functional>

#include "weft/http/body.hpp"

namespace weft::http {

/// The body of a request that runs while its body arrives. Belongs to the handler as long as it likes, but gives
/// nothing more once the connection has said end().
class RequestBody final : public BodyStream {
public:
    using Read = std::function<Task<std::string>()>;
    RequestBody(std::optional<std::uint64_t> length, Read read) : length_{length}, read_{std::move(read)} {}

    Task<std::string> next() override;
    std::optional<std::uint64_t> length() const override { return length_; }

    void end() { read_ = nullptr; }
    /// The handler has had all of it.
    bool is_complete() const { return complete_; }

private:
    std::optional<std::uint64_t> length_;
    Read read_;
    bool complete_ = false;
};

}  // namespace weft::http
