#pragma once

#include <string>

namespace weft::test {

/// A parameter of an `Authorization: X-Matrix` header.
inline std::string x_matrix_parameter(const std::string& header, const std::string& name) {
    const auto begin = header.find(name + "=\"") + name.size() + 2;
    return header.substr(begin, header.find('"', begin) - begin);
}

}  // namespace weft::test
