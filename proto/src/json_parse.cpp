#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>

#include "weft/proto/json.hpp"

namespace weft::proto {

namespace {

/// Builds the tree. Does two things json::parser of Boost 1.81 does not: sees repeated keys, and reads floats
/// exactly.
class TreeHandler {
public:
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    explicit TreeHandler(bool reject_duplicates) : reject_duplicates_{reject_duplicates} { stack_.reset(); }

    json::value release() { return stack_.release(); }
    const std::string& duplicate_key() const { return duplicate_key_; }

    using Error = boost::system::error_code;
    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_object_begin(Error&) {
        if (reject_duplicates_) key_starts_.push_back(keys_.size());
        return true;
    }
    bool on_object_end(std::size_t size, Error& error) {
        if (reject_duplicates_ && !take_keys(error)) return false;
        stack_.push_object(size);
        return true;
    }
    bool on_array_begin(Error&) { return true; }
    bool on_array_end(std::size_t size, Error&) {
        stack_.push_array(size);
        return true;
    }
    bool on_key_part(json::string_view text, std::size_t, Error&) {
        if (reject_duplicates_) key_ += text;
        stack_.push_chars(text);
        return true;
    }
    bool on_key(json::string_view text, std::size_t, Error&) {
        if (reject_duplicates_) {
            key_ += text;
            keys_.push_back(std::move(key_));
            key_.clear();
        }
        stack_.push_key(text);
        return true;
    }
    bool on_string_part(json::string_view text, std::size_t, Error&) {
        stack_.push_chars(text);
        return true;
    }
    bool on_string(json::string_view text, std::size_t, Error&) {
        stack_.push_string(text);
        return true;
    }
    bool on_number_part(json::string_view text, Error&) {
        number_ += text;
        return true;
    }
    bool on_int64(std::int64_t number, json::string_view, Error&) {
        number_.clear();
        stack_.push_int64(number);
        return true;
    }
    bool on_uint64(std::uint64_t number, json::string_view, Error&) {
        number_.clear();
        stack_.push_uint64(number);
        return true;
    }
    bool on_double(double approximation, json::string_view text, Error& error) {
        number_ += text;
        double exact = approximation;
        std::from_chars(number_.data(), number_.data() + number_.size(), exact);
        number_.clear();
        if (!std::isfinite(exact)) {
            error = json::make_error_code(json::error::exponent_overflow);
            return false;
        }
        stack_.push_double(exact);
        return true;
    }
    bool on_bool(bool flag, Error&) {
        stack_.push_bool(flag);
        return true;
    }
    bool on_null(Error&) {
        stack_.push_null();
        return true;
    }
    bool on_comment_part(json::string_view, Error&) { return true; }
    bool on_comment(json::string_view, Error&) { return true; }

private:
    bool take_keys(Error& error) {
        const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(key_starts_.back());
        std::sort(begin, keys_.end());
        const auto twin = std::adjacent_find(begin, keys_.end());
        if (twin != keys_.end()) {
            duplicate_key_ = *twin;
            error = json::make_error_code(json::error::syntax);
            return false;
        }
        keys_.erase(begin, keys_.end());
        key_starts_.pop_back();
        return true;
    }

    json::value_stack stack_;
    bool reject_duplicates_;
    std::string key_;
    std::string number_;
    std::vector<std::string> keys_;  // of all open objects, one after the other
    std::vector<std::size_t> key_starts_;
    std::string duplicate_key_;
};

}  // namespace

core::Result<json::value> parse_json(std::string_view text, JsonLimits limits) {
    json::parse_options options;
    options.max_depth = limits.depth_max;
    json::basic_parser<TreeHandler> parser{options, !limits.allow_duplicate_keys};
    boost::system::error_code error;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
    if (error) {
        if (!parser.handler().duplicate_key().empty()) {
            return core::ParseError{"JSON object names the key \"" + parser.handler().duplicate_key() +
                                    "\" twice"};
        }
        return core::ParseError{"invalid JSON at byte " + std::to_string(used) + ": " + error.message()};
    }
    if (used != text.size())
        return core::ParseError{"text after the JSON value, at byte " + std::to_string(used)};
    return parser.handler().release();
}

core::Result<json::object> parse_json_object(std::string_view text, JsonLimits limits) {
    auto value = parse_json(text, limits);
    if (!value) return value.error();
    if (!value->is_object()) return core::ParseError{"JSON value is not an object"};
    return std::move(value->get_object());
}

}  // namespace weft::proto
