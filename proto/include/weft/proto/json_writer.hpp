#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weft/proto/json.hpp"

namespace weft::proto {

/// Writes JSON text from front to back, without a tree. Sets commas itself; the caller keeps begin and end in
/// pairs.
class JsonWriter {
public:
    JsonWriter() = default;
    explicit JsonWriter(std::size_t reserve_bytes) { out_.reserve(reserve_bytes); }

    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }
    JsonWriter& key(std::string_view name);

    JsonWriter& value(std::string_view text);
    JsonWriter& value(const char* text) { return value(std::string_view{text}); }
    JsonWriter& value(const std::string& text) { return value(std::string_view{text}); }
    JsonWriter& value(std::int64_t number);
    template <std::same_as<bool> T>
    JsonWriter& value(T flag) {
        return raw(flag ? "true" : "false");
    }
    template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, std::int64_t>) JsonWriter& value(T number) {
        return value(static_cast<std::int64_t>(number));
    }
    JsonWriter& value(std::nullptr_t) { return raw("null"); }
    JsonWriter& value(const json::value& tree);
    JsonWriter& value(const json::object& tree);

    /// JSON that is already text: a stored event, a cached fragment. Must be exactly one value.
    JsonWriter& raw(std::string_view json_text);
    /// For fragments that are appended in place: announces a value and hands out the buffer.
    std::string& begin_raw_value() {
        separate();
        return out_;
    }

    /// key() and value() in one.
    template <class T>
    JsonWriter& member(std::string_view name, const T& content) {
        return key(name).value(content);
    }

    bool empty() const noexcept { return out_.empty(); }
    std::size_t size() const noexcept { return out_.size(); }
    /// The text so far; the writer is empty afterwards.
    std::string take();

private:
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    void separate();

    std::string out_;
    std::vector<bool> has_items_;  // one for each open bracket
    bool after_key_ = false;
};

}  // namespace weft::proto
