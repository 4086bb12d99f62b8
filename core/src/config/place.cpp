#include "config/place.hpp"

#include <cmath>

namespace weft::core::config {

std::string read_string(const Place& at) {
    if (!at.node.IsScalar()) at.fail("expected a string");
    return at.node.Scalar();
}

bool read_bool(const Place& at) {
    bool value = false;
    if (!at.node.IsScalar() || !YAML::convert<bool>::decode(at.node, value))
        at.fail("expected true or false");
    return value;
}

std::int64_t read_integer(const Place& at, std::int64_t min, std::int64_t max) {
    std::int64_t value = 0;
    if (!at.node.IsScalar() || !YAML::convert<std::int64_t>::decode(at.node, value))
        at.fail("expected an integer");
    if (value < min || value > max) at.fail(fmt::format("expected an integer between {} and {}", min, max));
    return value;
}

std::uint16_t read_port(const Place& at) {
    return static_cast<std::uint16_t>(read_integer(at, 0, 65535));
}

double read_number(const Place& at) {
    double value = 0;
    const bool read = at.node.IsScalar() && YAML::convert<double>::decode(at.node, value);
    if (!read || !std::isfinite(value) || value < 0) at.fail("expected a number of at least 0");
    return value;
}

std::size_t read_size(const Place& at) {
    auto text = read_string(at);
    std::size_t unit = 1;
    if (!text.empty() && (text.back() == 'M' || text.back() == 'K')) {
        unit = text.back() == 'M' ? 1024 * 1024 : 1024;
        text.pop_back();
    }
    if (text.empty() || text.size() > 12 || text.find_first_not_of("0123456789") != std::string::npos) {
        at.fail("expected a size, e.g. 1048576, 64K or 50M");
    }
    return std::stoull(text) * unit;
}

std::size_t read_duration(const Place& at) {
    static const std::map<char, std::size_t> kUnits{{'s', 1'000},       {'m', 60'000},
                                                    {'h', 3'600'000},   {'d', 86'400'000},
                                                    {'w', 604'800'000}, {'y', 31'536'000'000}};
    auto text = read_string(at);
    std::size_t unit = 1;
    if (!text.empty()) {
        if (const auto found = kUnits.find(text.back()); found != kUnits.end()) {
            unit = found->second;
            text.pop_back();
        }
    }
    if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) {
        at.fail("expected a duration, e.g. 500, 30s, 5m, 24h or 7d");
    }
    return std::stoull(text) * unit;
}

std::vector<std::string> read_strings(const Place& at) {
    std::vector<std::string> out;
    for_each_item(at, [&](const Place& item) { out.push_back(read_string(item)); });
    return out;
}

}  // namespace weft::core::config
