#pragma once

#include <stdexcept>
#include <string>

#include <boost/system/result.hpp>

namespace weft::core {

/// Why some text is not what it should be; for people, not for comparison.
struct ParseError {
    std::string message;
};

/// Raised by Result::value() when nobody looked at the error first.
[[noreturn]] inline void throw_exception_from_error(const ParseError& error, const boost::source_location&) {
    throw std::runtime_error{error.message};
}

/// A value or the reason why there is none: for failures the next line can react to.
template <class T>
using Result = boost::system::result<T, ParseError>;

}  // namespace weft::core
