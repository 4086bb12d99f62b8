#pragma once

#include <string>
#include <vector>

#include "weft/proto/ids.hpp"

namespace weft::storage {

/// Event IDs as a parameter of a statement.
template <class Ids>
std::vector<std::string> texts(const Ids& ids) {
    std::vector<std::string> out;
    out.reserve(ids.size());
    for (const auto& id : ids) out.push_back(id.str());
    return out;
}

}  // namespace weft::storage
