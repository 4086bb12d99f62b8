#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "weft/core/result.hpp"

namespace weft::proto::replication {

namespace json = boost::json;

/// Reads a row's fields in order and remembers the first that is not what it should be.
class RowReader {
public:
    RowReader(const json::value& row, std::size_t fields) : array_{row.if_array()} {
        if (array_ == nullptr) {
            fail("the row is not an array");
        } else if (array_->size() < fields) {
            fail(fmt::format("the row has {} fields, {} are needed", array_->size(), fields));
        }
    }

    std::string string() {
        const auto* value = next();
        if (value == nullptr) return {};
        if (const auto* text = value->if_string()) return std::string{*text};
        return bad("a string"), std::string{};
    }
    std::optional<std::string> optional_string() {
        const auto* value = next();
        if (value == nullptr || value->is_null()) return std::nullopt;
        if (const auto* text = value->if_string()) return std::string{*text};
        return bad("a string or null"), std::nullopt;
    }
    std::int64_t integer() {
        const auto* value = next();
        if (value == nullptr) return 0;
        if (const auto* number = value->if_int64()) return *number;
        return bad("an integer"), 0;
    }
    bool boolean() {
        const auto* value = next();
        if (value == nullptr) return false;
        if (const auto* flag = value->if_bool()) return *flag;
        return bad("true or false"), false;
    }
    std::vector<std::string> strings() { return strings_of(next()); }
    std::optional<std::vector<std::string>> optional_strings() {
        const auto* value = next();
        if (value == nullptr || value->is_null()) return std::nullopt;
        return strings_of(value);
    }
    json::object object() {
        const auto* value = next();
        if (value == nullptr) return {};
        if (const auto* object = value->if_object()) return *object;
        return bad("an object"), json::object{};
    }
    /// Refers into the row.
    const json::value& any() {
        static const json::value kNothing;
        const auto* value = next();
        return value == nullptr ? kNothing : *value;
    }
    void fail(std::string message) {
        if (!failure_) failure_ = std::move(message);
    }

    template <class T>
    core::Result<T> finish(T row) const {
        if (failure_) return core::ParseError{*failure_};
        return row;
    }

private:
    const json::value* next() { return failure_ || at_ >= array_->size() ? nullptr : &(*array_)[at_++]; }
    void bad(const char* wanted) { fail(fmt::format("field {} of the row is not {}", at_, wanted)); }
    std::vector<std::string> strings_of(const json::value* value) {
        std::vector<std::string> out;
        if (value == nullptr) return out;
        const auto* array = value->if_array();
        if (array == nullptr) return bad("an array of strings"), out;
        for (const auto& item : *array) {
            if (!item.is_string()) return bad("an array of strings"), out;
            out.emplace_back(item.get_string());
        }
        return out;
    }

    const json::array* array_;
    std::size_t at_ = 0;
    std::optional<std::string> failure_;
};

}  // namespace weft::proto::replication
