#include "weft/proto/replication/streams.hpp"

namespace weft::proto::replication {

std::size_t stream_order(std::string_view name) {
    std::size_t order = 0;
    while (order < kStreams.size() && kStreams[order].name != name) ++order;
    return order;
}

const StreamInfo* find_stream(std::string_view name) {
    const auto order = stream_order(name);
    return order < kStreams.size() ? &kStreams[order] : nullptr;
}

}  // namespace weft::proto::replication
