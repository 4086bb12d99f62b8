#pragma once

#include "weft/http/router.hpp"

namespace weft::rest {

/// Where the proxy sends requests about one room.
inline constexpr http::WorkerKinds kOnEventPersister =
    http::WorkerKind::kMaster | http::WorkerKind::kEventPersister;
/// Where the proxy sends reads that every process can answer.
inline constexpr http::WorkerKinds kOnClientReader =
    http::WorkerKind::kMaster | http::WorkerKind::kClientReader;
/// Where the proxy sends what is about media.
inline constexpr http::WorkerKinds kOnMedia = http::WorkerKind::kMaster | http::WorkerKind::kMedia;

}  // namespace weft::rest
