#pragma once

#include <optional>

#include "weft/handlers/sync/sync.hpp"

namespace weft::handlers {

/// The token of an answer that is made now: where this process stands, but nowhere before the client's token.
/// That may come from a process that is ahead of this one, and what the client was told once must not come
/// again.
SyncToken next_token(const SyncSources& sources, const std::optional<SyncToken>& since);

/// Typing, and what of presence was not stored, is gone with its writer, whose counter then begins anew; that
/// of receipts goes back to the newest one stored, for those that changed nothing used up numbers as well. A
/// token from before says nothing. Of typing the client is then told what this life of the writer has told, of
/// the others everything: what it knows already does no harm.
void forget_restarted_streams(const SyncSources& sources, SyncToken& since);

}  // namespace weft::handlers
