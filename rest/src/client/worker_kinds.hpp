#pragma once

#include "weft/http/router.hpp"

namespace weft::rest {

/// Where the proxy sends requests about one room.
inline constexpr http::WorkerKinds kOnEventPersister =
    http::WorkerKind::kMaster | http::WorkerKind::kEventPersister;
/// Where the proxy sends reads that every process can answer.
inline constexpr http::WorkerKinds kOnClientReader =
    http::WorkerKind::kMaster | http::WorkerKind::kClientReader;

}  // namespace weft::rest
