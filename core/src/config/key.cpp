#include "config/key.hpp"

namespace weft::core::config {

Key string_key(std::string name, std::string text, std::string Config::*member) {
    return {std::move(name),
            "string",
            std::move(text),
            [member](Config& config, const Place& at) { config.*member = read_string(at); },
            {}};
}

Key bool_key(std::string name, std::string text, bool Config::*member) {
    return {std::move(name),
            "boolean",
            std::move(text),
            [member](Config& config, const Place& at) { config.*member = read_bool(at); },
            {}};
}

Key port_key(std::string name, std::string text, std::uint16_t Config::*member) {
    return {std::move(name),
            "integer",
            std::move(text),
            [member](Config& config, const Place& at) { config.*member = read_port(at); },
            {}};
}

}  // namespace weft::core::config
