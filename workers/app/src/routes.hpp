#pragma once

#include <string>

#include "weft/http/router.hpp"

namespace weft::workers {

/// The endpoint table as JSON, for the generators of proxy configuration: one object a method and path, with the worker
/// kinds that serve it and by what requests are kept together (`room`, `user`, `any`).
std::string routes_json(const http::Router& router);

}  // namespace weft::workers
