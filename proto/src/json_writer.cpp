#include "weft/proto/json_writer.hpp"

#include <fmt/format.h>

namespace weft::proto {

void JsonWriter::separate() {
    if (after_key_) {
        after_key_ = false;
        return;
    }
    if (has_items_.empty()) return;
    if (has_items_.back()) out_ += ',';
    has_items_.back() = true;
}

JsonWriter& JsonWriter::open(char bracket) {
    separate();
    out_ += bracket;
    has_items_.push_back(false);
    return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
    out_ += bracket;
    if (!has_items_.empty()) has_items_.pop_back();
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_ += ':';
    after_key_ = true;
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
    separate();
    append_json_string(out_, text);
    return *this;
}

JsonWriter& JsonWriter::value(std::int64_t number) {
    const fmt::format_int text{number};
    return raw({text.data(), text.size()});
}

JsonWriter& JsonWriter::value(const json::value& tree) {
    separate();
    append_json(out_, tree);
    return *this;
}

JsonWriter& JsonWriter::value(const json::object& tree) {
    separate();
    append_json(out_, tree);
    return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json_text) {
    separate();
    out_ += json_text;
    return *this;
}

std::string JsonWriter::take() {
    has_items_.clear();
    after_key_ = false;
    return std::exchange(out_, {});
}

}  // namespace weft::proto
