#include "weft/storage/database.hpp"

namespace weft::storage {

namespace {

void append_element(std::string& out, const std::string& text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

void append_element(std::string& out, std::int64_t value) {
    out += std::to_string(value);
}

void append_element(std::string& out, bool value) {
    out += value ? 't' : 'f';
}

template <class T>
void append_element(std::string& out, const std::optional<T>& value) {
    if (value) {
        append_element(out, *value);
    } else {
        out += "NULL";
    }
}

/// PostgreSQL's array literal. Strings are always quoted, so that an empty one or the word NULL stays a
/// string.
template <class Values>
std::string array_literal(const Values& values) {
    std::string out{"{"};
    bool first = true;
    for (const auto& value : values) {
        if (!first) out += ',';
        first = false;
        append_element(out, static_cast<const typename Values::value_type&>(value));
    }
    out += '}';
    return out;
}

}  // namespace

Param::Param(const std::vector<std::string>& values) : text_{array_literal(values)} {}

Param::Param(const std::vector<std::optional<std::string>>& values) : text_{array_literal(values)} {}

Param::Param(const std::vector<std::int64_t>& values) : text_{array_literal(values)} {}

Param::Param(const std::vector<std::optional<std::int64_t>>& values) : text_{array_literal(values)} {}

Param::Param(const std::vector<bool>& values) {
    std::string out{"{"};
    for (const bool value : values) {
        if (out.size() > 1) out += ',';
        append_element(out, value);
    }
    text_ = out + '}';
}

}  // namespace weft::storage
