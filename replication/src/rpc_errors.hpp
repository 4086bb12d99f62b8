#pragma once

namespace weft::replication {

/// Error code of a missing or wrong cluster secret. Not a Matrix one: it is never passed on to a client, who
/// would take it for a refusal of his own token.
inline constexpr const char* kWrongSecret = "WEFT_WRONG_REPLICATION_SECRET";

}  // namespace weft::replication
