#pragma once

#include <cstdint>

#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// The `groups` stream: [group, user, type, content]. Groups (communities) have left the specification and
/// nothing writes them any more; the stream stays on the wire, and a database that had them can be read.
class GroupUpdateStore {
public:
    GroupUpdateStore(StoreContext context, StreamState& groups);

    Task<StreamUpdates> updates(std::int64_t from, std::int64_t to, std::size_t limit);
    StreamState& stream() { return groups_; }

private:
    StoreContext context_;
    StreamState& groups_;
};

}  // namespace weft::storage
