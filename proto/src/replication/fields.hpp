#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/core/result.hpp"

namespace weft::proto::replication {

/// Text as Python's repr() shows it: the spelling of the reference implementation's error lines.
std::string python_repr(std::string_view text);
/// A decimal integer, white space around it allowed (a CR before the LF ends up there).
std::optional<std::int64_t> parse_integer(std::string_view text);

/// The rest of a line, split at single spaces into at most `count` fields, the last of which takes what is
/// left. Remembers its first failure, so that a parser reads straight down and asks once at the end.
class Fields {
public:
    explicit Fields(std::string_view rest) : rest_{rest} {}

    std::string_view rest() const { return rest_; }
    /// Splits; fails unless there are between `min` and `max` fields. Afterwards size() fields can be read.
    void split(std::size_t min, std::size_t max);
    std::size_t size() const { return fields_.size(); }

    std::string word() { return std::string{next()}; }
    std::int64_t integer();
    void fail(std::string message) {
        if (!failure_) failure_ = std::move(message);
    }

    /// The command, unless something failed on the way.
    template <class T>
    core::Result<T> finish(T value) const {
        if (failure_) return core::ParseError{*failure_};
        return value;
    }

private:
    std::string_view next() { return at_ < fields_.size() ? fields_[at_++] : std::string_view{}; }

    std::string_view rest_;
    std::vector<std::string_view> fields_;
    std::size_t at_ = 0;
    std::optional<std::string> failure_;
};

}  // namespace weft::proto::replication
